/**
 * What `stub_status` counts, as the API shows it. It cannot be set back, so a reset remembers what it was, and that is taken
 * off from then on.
 */
import * as errors from '../model/errors.js';
import type { Platform } from '../store/platform.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';

/** Connections and requests of the http block, as stub_status counts them. */
export interface StubStatus {
  accepted: number;
  handled: number;
  requests: number;
  active: number;
  busy: number;
  waiting: number;
}

/** The figures of NGINX's stub_status page. */
export function parseStubStatus(page: string): StubStatus {
  const numbers = (page.match(/\d+/g) || []).map(Number);
  const at = (i: number): number => (numbers[i] === undefined ? 0 : (numbers[i] as number));
  return {
    active: at(0),
    accepted: at(1),
    handled: at(2),
    requests: at(3),
    busy: at(4) + at(5),
    waiting: at(6),
  };
}

/** Whether a path needs {@link StubStatus}. */
export function needsTraffic(path: string): boolean {
  return /^\/api\/\d\/(connections|http\/requests)\/?$/.test(path);
}

/** Where the figure is that a total had when it was set back. */
function base(of: string): string {
  return ` base ${of}`;
}

function since(platform: Platform, of: string, total: number): number {
  // A restart begins at 0 on both sides.
  return total - Math.min(total, platform.counters.get(base(of)) || 0);
}

export function connections(
  platform: Platform,
  call: ApiRequest,
  found: StubStatus | undefined,
): ApiResponse {
  if (found === undefined) throw errors.pathNotFound;
  const dropped = found.accepted - found.handled;
  if (call.method === 'DELETE') {
    platform.counters.set(base('accepted'), found.accepted);
    platform.counters.set(base('dropped'), dropped);
    return { status: 204 };
  }
  const body = {
    accepted: since(platform, 'accepted', found.accepted),
    dropped: since(platform, 'dropped', dropped),
    active: found.active - found.waiting,
    idle: found.waiting,
  };
  return { status: 200, body: apiRequest.selectFields(call, body) };
}

export function requests(platform: Platform, call: ApiRequest, found: StubStatus | undefined): ApiResponse {
  if (found === undefined) throw errors.pathNotFound;
  if (call.method === 'DELETE') {
    platform.counters.set(base('requests'), found.requests);
    return { status: 204 };
  }
  const body = { total: since(platform, 'requests', found.requests), current: found.busy };
  return { status: 200, body: apiRequest.selectFields(call, body) };
}
