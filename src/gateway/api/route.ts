/** Paths of the NGINX Plus API, taken apart. */
import * as errors from '../model/errors.js';
import type { Kind } from '../model/server.js';

/** A path under `/api`. `rest` are the decoded segments behind the version, or behind `http` and `stream`. */
export interface Route {
  version: number;
  kind: Kind | '';
  rest: string[];
}

/** Versions that are served. */
export const VERSIONS = [4, 5, 6, 7, 8, 9];

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw errors.pathNotFound;
  }
}

/** Takes a path apart; `undefined` for `/api` itself. A slash at the end makes no difference. */
export function parse(path: string): Route | undefined {
  const segments = path.split('/').slice(2);
  if (segments.length > 0 && segments[segments.length - 1] === '') segments.pop();
  if (segments.length === 0) return undefined;
  const version = segments[0] as string;
  if (!/^\d+$/.test(version) || VERSIONS.indexOf(Number(version)) < 0)
    throw errors.failure(404, 'UnknownVersion', 'unknown version');
  const kind = segments[1];
  if (kind === 'http' || kind === 'stream')
    return { version: Number(version), kind: kind, rest: segments.slice(2).map(decode) };
  return { version: Number(version), kind: '', rest: segments.slice(1).map(decode) };
}
