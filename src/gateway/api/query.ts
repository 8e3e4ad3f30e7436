/** The request target: path and query. */

import * as own from '../model/own.js';

/** The path as it was sent. */
export function path(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.substring(0, mark);
}

function decode(text: string): string {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** The query's parameters; of several with one name the first counts. */
export function args(target: string): { [name: string]: string } {
  const found = own.empty<string>();
  const mark = target.indexOf('?');
  if (mark < 0) return found;
  const pairs = target.substring(mark + 1).split('&');
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.substring(0, equals));
    if (name !== '' && found[name] === undefined)
      found[name] = equals < 0 ? '' : decode(pair.substring(equals + 1));
  }
  return found;
}
