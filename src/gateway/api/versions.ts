/**
 * The versions of the API and what each has. Source: "Compatibility" in the documentation of ngx_http_api_module,
 * https://nginx.org/en/docs/http/ngx_http_api_module.html
 */

/** The supported versions. */
export const ALL = [1, 2, 3, 4, 5, 6, 7, 8, 9];

export const NEWEST = 9;

/** The first version with an endpoint. Endpoints that are not listed exist in all versions. */
const SINCE: { [path: string]: number } = {
  resolvers: 5,
  workers: 9,
  'http/location_zones': 5,
  'http/limit_conns': 6,
  'http/limit_reqs': 6,
  'stream/limit_conns': 6,
  'stream/keyvals': 2,
};

/** Whether a version has an endpoint such as `ssl` or `http/caches`. */
export function has(version: number, path: string): boolean {
  const since = SINCE[path];
  return since === undefined || version >= since;
}

/** The first version with the parameter `drain` of an http server. */
export const DRAIN = 2;
/** The first version whose error objects do not contain the path and the method. */
export const SHORT_ERRORS = 4;
/** The first version with `expire` in keyval zones. */
export const EXPIRE = 5;
/** The first version with `codes` of responses. */
export const CODES = 7;
/** The first version with `ssl` of zones. */
export const ZONE_SSL = 8;
