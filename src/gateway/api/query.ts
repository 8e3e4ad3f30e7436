/** The query of a request. */

import * as own from '../model/own.js';

function decode(text: string): string {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** Most parameters that are looked at; the API has two. */
const MOST = 64;

/** The query's parameters; of several with one name the first counts. `query` is what follows the question mark. */
export function args(query: string): { [name: string]: string } {
  const found = own.empty<string>();
  if (query === '') return found;
  const pairs = query.split('&', MOST);
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.substring(0, equals));
    if (name !== '' && found[name] === undefined)
      found[name] = equals < 0 ? '' : decode(pair.substring(equals + 1));
  }
  return found;
}
