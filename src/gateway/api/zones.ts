/** `/api/N/{http,stream}/{server_zones,location_zones,limit_reqs,limit_conns,caches}`. */
import type { ZoneKind } from '../balance/traffic-counters.js';
import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import type { Platform } from '../store/platform.js';
import * as zoneStats from '../store/zone-stats.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import * as versions from './versions.js';

/** What is said of a zone that there is not, as code and text. */
const UNKNOWN: { [kind: string]: [string, string] } = {
  server_zones: ['ServerZoneNotFound', 'server zone not found'],
  location_zones: ['LocationZoneNotFound', 'location zone not found'],
  limit_reqs: ['LimitReqNotFound', 'limit_req not found'],
  limit_conns: ['LimitConnNotFound', 'limit_conn not found'],
  caches: ['CacheNotFound', 'cache not found'],
};

/** Whether an endpoint is one of zones. */
export function isKind(name: string): name is ZoneKind {
  return dict.get(UNKNOWN, name) !== undefined;
}

/** The zone without what the version does not have. */
function shown(platform: Platform, call: ApiRequest, kind: ZoneKind, name: string, pids: number[]): object {
  const zone = zoneStats.show(platform, kind, name, pids);
  const responses = zone.responses as { codes?: unknown } | undefined;
  if (responses !== undefined && call.version < versions.CODES) delete responses.codes;
  if (call.version < versions.ZONE_SSL) delete zone.ssl;
  return apiRequest.selectFields(call, zone);
}

function list(platform: Platform, call: ApiRequest, kind: ZoneKind, pids: number[]): ApiResponse {
  const names = zoneStats.names(platform, kind);
  if (call.args.fields === '') return { status: 200, body: names };
  const body = dict.create<object>();
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    body[name] = shown(platform, call, kind, name, pids);
  }
  return { status: 200, body: body };
}

/** `rest` are the segments behind the kind; `pids` the workers that live. */
export function serveZones(
  platform: Platform,
  call: ApiRequest,
  kind: ZoneKind,
  rest: string[],
  pids: number[],
): ApiResponse {
  if (rest.length > 1) throw errors.pathNotFound;
  apiRequest.allowMethods(call, rest.length === 1 ? ['DELETE'] : []);
  if (rest.length === 0) return list(platform, call, kind, pids);
  const name = rest[0] as string;
  if (zoneStats.names(platform, kind).indexOf(name) < 0) {
    const unknown = UNKNOWN[kind] as [string, string];
    throw errors.failure(404, unknown[0], unknown[1]);
  }
  if (call.method === 'DELETE') {
    zoneStats.reset(platform, kind, name);
    return { status: 204 };
  }
  return { status: 200, body: shown(platform, call, kind, name, pids) };
}
