/** The arguments of a query. NGINX runs this as well: see version.ts for what njs lacks. */

/** What devices may say in a query; `''` where they do not. Other arguments are ignored. */
export interface Query {
  type: string;
  id: string;
  version: string;
}

/**
 * Reads a raw query. Undefined where it cannot be relied on: an argument of ours that is there twice, or an encoding that is
 * none. NGINX's own variables give the first of several, and njs a list; here nobody has to guess.
 */
export function parse(raw: string): Query | undefined {
  const query: Query = { type: '', id: '', version: '' };
  const seen: { [name: string]: boolean } = {};
  const parts = raw.split('&');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.substring(0, equals));
    const value = equals < 0 ? '' : decode(part.substring(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    if (name !== 'type' && name !== 'id' && name !== 'version') continue;
    if (seen[name] === true) return undefined;
    seen[name] = true;
    query[name] = value;
  }
  return query;
}

function decode(text: string): string | undefined {
  if (text.indexOf('%') < 0 && text.indexOf('+') < 0) return text;
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return undefined;
  }
}
