/** Paths of the NGINX Plus API. */
import type { Kind } from '../model/server.js';
import * as apiErrors from './errors.js';
import * as versions from './versions.js';

/** A parsed path below `/api`. `rest` are the segments behind the version, or behind `http` or `stream`. */
export interface Route {
  version: number;
  kind: Kind | '';
  rest: string[];
}

/** Parses a decoded path; `undefined` for `/api` itself. A trailing slash is ignored. Throws `UnknownVersion`. */
export function parseRoute(path: string): Route | undefined {
  const segments = path.split('/').slice(2);
  if (segments.length > 0 && segments[segments.length - 1] === '') segments.pop();
  if (segments.length === 0) return undefined;
  const version = segments[0] as string;
  if (!/^\d$/.test(version) || versions.ALL.indexOf(Number(version)) < 0)
    throw apiErrors.apiError(404, 'UnknownVersion', 'unknown version');
  const kind = segments[1];
  if (kind === 'http' || kind === 'stream')
    return { version: Number(version), kind: kind, rest: segments.slice(2) };
  return { version: Number(version), kind: '', rest: segments.slice(1) };
}

/** What has to be fetched before a path can be served, because it takes a subrequest. */
type Prerequisite = 'stub status' | 'stream block' | undefined;

const PREREQUISITES: { [path: string]: Prerequisite } = {
  connections: 'stub status',
  'http/requests': 'stub status',
  slabs: 'stream block',
  ssl: 'stream block',
};

/** What a path needs to be fetched. */
export function prerequisiteOf(path: string): Prerequisite {
  try {
    const route = parseRoute(path);
    if (route === undefined) return undefined;
    return PREREQUISITES[route.kind === '' ? `${route.rest[0]}` : `${route.kind}/${route.rest[0]}`];
  } catch {
    return undefined;
  }
}
