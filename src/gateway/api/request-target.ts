/** The target of a request (RFC 9112, section 3.2): its path and its query. */

import * as dict from '../model/dict.js';

function decode(text: string): string {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** The decoded path. A path that cannot be decoded is returned as it is, and matches no endpoint. */
export function pathOf(target: string): string {
  const mark = target.indexOf('?');
  const sent = mark < 0 ? target : target.substring(0, mark);
  try {
    return decodeURIComponent(sent);
  } catch {
    return sent;
  }
}

/** Maximum number of parameters that are read; the API has two. */
const MAX_PARAMETERS = 64;

/** The query parameters. If a name occurs more than once, the first value counts. */
export function queryOf(target: string): { [name: string]: string } {
  const found = dict.create<string>();
  const mark = target.indexOf('?');
  if (mark < 0) return found;
  const pairs = target.substring(mark + 1).split('&', MAX_PARAMETERS);
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.substring(0, equals));
    if (name !== '' && found[name] === undefined)
      found[name] = equals < 0 ? '' : decode(pair.substring(equals + 1));
  }
  return found;
}
