/** `/api/N/{http,stream}/{server_zones,location_zones,limit_reqs,limit_conns,caches}`. */
import type { ZoneKind } from '../balance/traffic-counters.js';
import * as dict from '../model/dict.js';
import type { Platform } from '../store/platform.js';
import * as zoneStats from '../store/zone-stats.js';
import * as apiErrors from './errors.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import * as zoneBody from './zone-body.js';

/** The error code and text for an unknown zone of a kind. */
const UNKNOWN: { [kind: string]: [string, string] } = {
  server_zones: ['ServerZoneNotFound', 'server zone not found'],
  location_zones: ['LocationZoneNotFound', 'location zone not found'],
  limit_reqs: ['LimitReqNotFound', 'limit_req not found'],
  limit_conns: ['LimitConnNotFound', 'limit_conn not found'],
  caches: ['CacheNotFound', 'cache not found'],
};

/** Whether an endpoint shows zones. */
export function isZoneKind(name: string): name is ZoneKind {
  return dict.get(UNKNOWN, name) !== undefined;
}

function show(platform: Platform, request: ApiRequest, kind: ZoneKind, name: string): object {
  return apiRequest.selectFields(request, zoneBody.zoneBody(platform, kind, name, request.version));
}

function list(platform: Platform, request: ApiRequest, kind: ZoneKind): ApiResponse {
  const names = zoneStats.zoneNames(platform, kind);
  if (request.args.fields === '') return { status: 200, body: names };
  const body = dict.create<object>();
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    body[name] = show(platform, request, kind, name);
  }
  return { status: 200, body: body };
}

/** `rest` are the path segments behind the kind. */
export function serveZones(
  platform: Platform,
  request: ApiRequest,
  kind: ZoneKind,
  rest: string[],
): ApiResponse {
  if (rest.length > 1) throw apiErrors.pathNotFound;
  apiRequest.allowMethods(request, rest.length === 1 ? ['DELETE'] : []);
  if (rest.length === 0) return list(platform, request, kind);
  const name = rest[0] as string;
  if (zoneStats.zoneNames(platform, kind).indexOf(name) < 0) {
    const unknown = UNKNOWN[kind] as [string, string];
    throw apiErrors.apiError(404, unknown[0], unknown[1]);
  }
  if (request.method === 'DELETE') {
    zoneStats.resetZone(platform, kind, name);
    return { status: 204 };
  }
  return { status: 200, body: show(platform, request, kind, name) };
}
