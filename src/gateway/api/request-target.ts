/** The target of a request: path and query. */

import * as dict from '../model/dict.js';

function decode(text: string): string {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** The path, decoded; one that cannot be decoded stays as it is, and is none that there is. */
export function pathOf(target: string): string {
  const mark = target.indexOf('?');
  const sent = mark < 0 ? target : target.substring(0, mark);
  try {
    return decodeURIComponent(sent);
  } catch {
    return sent;
  }
}

/** Most parameters that are looked at; the API has two. */
const MOST = 64;

/** The query's parameters; of several with one name the first counts. */
export function queryOf(target: string): { [name: string]: string } {
  const found = dict.create<string>();
  const mark = target.indexOf('?');
  if (mark < 0) return found;
  const pairs = target.substring(mark + 1).split('&', MOST);
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.substring(0, equals));
    if (name !== '' && found[name] === undefined)
      found[name] = equals < 0 ? '' : decode(pair.substring(equals + 1));
  }
  return found;
}
