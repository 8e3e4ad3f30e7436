/** Paths of the NGINX Plus API, taken apart. */
import * as errors from '../model/errors.js';
import type { Kind } from '../model/server.js';
import * as versions from './versions.js';

/** A path under `/api`. `rest` are the segments behind the version, or behind `http` and `stream`. */
export interface Route {
  version: number;
  kind: Kind | '';
  rest: string[];
}

/** Takes a decoded path apart; `undefined` for `/api` itself. A slash at the end makes no difference. */
export function parseRoute(path: string): Route | undefined {
  const segments = path.split('/').slice(2);
  if (segments.length > 0 && segments[segments.length - 1] === '') segments.pop();
  if (segments.length === 0) return undefined;
  const version = segments[0] as string;
  if (!/^\d$/.test(version) || versions.ALL.indexOf(Number(version)) < 0)
    throw errors.failure(404, 'UnknownVersion', 'unknown version');
  const kind = segments[1];
  if (kind === 'http' || kind === 'stream')
    return { version: Number(version), kind: kind, rest: segments.slice(2) };
  return { version: Number(version), kind: '', rest: segments.slice(1) };
}
