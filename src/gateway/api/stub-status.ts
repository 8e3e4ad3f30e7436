/**
 * `/api/N/connections` and `/api/N/http/requests`, from NGINX's `stub_status`. That cannot be reset, so a reset stores the
 * current totals, which are subtracted from then on.
 */
import type { Platform } from '../store/platform.js';
import * as apiErrors from './errors.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';

/** Connections and requests of the http block. */
export interface StubStatus {
  accepted: number;
  handled: number;
  requests: number;
  active: number;
  busy: number;
  waiting: number;
}

/** Parses the page of `stub_status`. */
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

/** The counter of a total at the last reset. */
function baseOf(name: string): string {
  return ` base ${name}`;
}

function sinceReset(platform: Platform, name: string, total: number): number {
  // After a restart of NGINX, both begin at 0.
  return total - Math.min(total, platform.counters.get(baseOf(name)) || 0);
}

export function serveConnections(
  platform: Platform,
  request: ApiRequest,
  found: StubStatus | undefined,
): ApiResponse {
  if (found === undefined) throw apiErrors.pathNotFound;
  const dropped = found.accepted - found.handled;
  if (request.method === 'DELETE') {
    platform.counters.set(baseOf('accepted'), found.accepted);
    platform.counters.set(baseOf('dropped'), dropped);
    return { status: 204 };
  }
  const body = {
    accepted: sinceReset(platform, 'accepted', found.accepted),
    dropped: sinceReset(platform, 'dropped', dropped),
    active: found.active - found.waiting,
    idle: found.waiting,
  };
  return { status: 200, body: apiRequest.selectFields(request, body) };
}

export function serveRequests(
  platform: Platform,
  request: ApiRequest,
  found: StubStatus | undefined,
): ApiResponse {
  if (found === undefined) throw apiErrors.pathNotFound;
  if (request.method === 'DELETE') {
    platform.counters.set(baseOf('requests'), found.requests);
    return { status: 204 };
  }
  const body = { total: sinceReset(platform, 'requests', found.requests), current: found.busy };
  return { status: 200, body: apiRequest.selectFields(request, body) };
}
