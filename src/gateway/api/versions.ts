/**
 * The versions of the API and what each had. Source: "Compatibility" in the documentation of ngx_http_api_module,
 * https://nginx.org/en/docs/http/ngx_http_api_module.html
 */

/** Versions that are served. */
export const ALL = [1, 2, 3, 4, 5, 6, 7, 8, 9];

export const NEWEST = 9;

/** The version that had each of these first; what is not here has been there from the first version on. */
const SINCE: { [path: string]: number } = {
  resolvers: 5,
  workers: 9,
  'http/location_zones': 5,
  'http/limit_conns': 6,
  'http/limit_reqs': 6,
  'stream/limit_conns': 6,
  'stream/keyvals': 2,
};

/** Whether a version has an endpoint: `ssl`, `http/caches`. */
export function has(version: number, path: string): boolean {
  const since = SINCE[path];
  return since === undefined || version >= since;
}

/** The parameter `drain` of an http server. */
export const DRAIN = 2;
/** Before it, error objects name the path and the method. */
export const SHORT_ERRORS = 4;
/** `expire` of a pair. */
export const EXPIRE = 5;
/** Counts of responses by code. */
export const CODES = 7;
/** TLS figures of zones. */
export const ZONE_SSL = 8;
