/** What a path asks for. NGINX runs this as well: see version.ts for what njs lacks. */

/**
 * `ask`: what the client's own headers say; `file`: the image or "nothing new"; `version`: the version as text;
 * `esphome`: ESPHome's manifest; `image` and `md5`: the image of a version that the path names, and its MD5.
 */
export type Form = 'ask' | 'file' | 'version' | 'esphome' | 'image' | 'md5';

/** A path that is one of ours. */
export interface Route {
  form: Form;
  /** `''` where it is in the query. */
  type: string;
  /** The version that the path names, else `''`. */
  version: string;
}

const OF_TYPE = /^\/ota\/([^/]+)\/(?:(version)|(manifest\.json)|(.+)\.(md5|bin))$/;

/** Reads a path as NGINX normalises it (`$uri`); undefined where it is none of ours. */
export function parse(path: string): Route | undefined {
  if (path === '/ota') return { form: 'ask', type: '', version: '' };
  if (path === '/ota/image') return { form: 'file', type: '', version: '' };
  const found = path.match(OF_TYPE);
  if (found === null) return undefined;
  const type = found[1] as string;
  if (found[2] !== undefined) return { form: 'version', type: type, version: '' };
  if (found[3] !== undefined) return { form: 'esphome', type: type, version: '' };
  return { form: found[5] === 'md5' ? 'md5' : 'image', type: type, version: found[4] as string };
}
