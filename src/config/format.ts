import { type Networks, parseNetwork } from '../core/address.js';
import { parseService } from '../core/keys.js';
import { err, ok, quote, type Result } from '../core/result.js';
import { type ParameterName, readParameter, type ServerParameters } from '../core/server-parameters.js';
import { parseDuration } from './duration.js';

/** What the values of an option look like: how they are written, and how they are read into a `T`. */
export interface Format<T> {
  /** One word for the reference, such as `duration`. */
  readonly name: string;
  /** What is allowed, to follow `must be`. Two formats that differ in it are two formats to convict. */
  readonly allowed: string;
  /** Stands for the value in help texts; empty for a switch. */
  readonly placeholder: string;
  /** Flags of this format may be given several times; the values are joined by commas. */
  readonly repeatable?: boolean;
  /** Turns the text of a flag or variable into what a file would hold; text that does not fit is returned as it is. */
  coerce(text: string): unknown;
  /** Reads what a file holds. */
  read(value: unknown): Result<T>;
}

/**
 * A value in an error message: text quoted and cut, numbers and the like as they are, and passwords in URLs hidden. Of a
 * list or a group only that it is one: it may hold anything, a secret that slipped into the wrong place too.
 */
export function show(value: unknown): string {
  if (typeof value === 'string') return quote(value.replace(/\/\/.*@/gs, '//(hidden)@'));
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys and values';
  return String(value);
}

function refuse(allowed: string, value: unknown): Result<never> {
  return err(`must be ${allowed}, got ${show(value)}`);
}

const asText = (text: string): unknown => text;

/** Text with one reading: undefined where it does not fit. */
function textFormat<T>(
  name: string,
  allowed: string,
  parse: (text: string) => T | undefined,
  placeholder = `<${name}>`,
): Format<T> {
  return {
    name,
    allowed,
    placeholder,
    coerce: asText,
    read(value) {
      const parsed = typeof value === 'string' ? parse(value) : undefined;
      return parsed === undefined ? refuse(allowed, value) : ok(parsed);
    },
  };
}

export const string = textFormat('text', 'text', (text) => text);

export const file = textFormat('file', 'the path of a file', (text) => text || undefined);

/** One of a few words. */
export function oneOf<T extends string>(...words: readonly T[]): Format<T> {
  return textFormat(
    'word',
    `one of ${words.join(', ')}`,
    (text) => words.find((word) => word === text),
    `<${words.join('|')}>`,
  );
}

/** A time span, read into milliseconds; at least `min` (default 0). */
export function duration(min = '0s'): Format<number> {
  const least = parseDuration(min) ?? 0;
  const allowed = `a duration such as 15s, 5m or 250ms${least > 0 ? `, at least ${min}` : ''}`;
  return textFormat('duration', allowed, (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= least ? ms : undefined;
  });
}

/** A number that a flag may spell: `coerce` reads what matches, `fits` decides. */
function numberFormat(name: string, allowed: string, spelling: RegExp, fits: (n: number) => boolean) {
  const format: Format<number> = {
    name,
    allowed,
    placeholder: `<${name}>`,
    coerce: (text) => (spelling.test(text) ? Number(text) : text),
    read: (value) => (typeof value === 'number' && fits(value) ? ok(value) : refuse(allowed, value)),
  };
  return format;
}

export function integer(min: number, max: number): Format<number> {
  const allowed = `an integer from ${min} to ${max}`;
  return numberFormat('integer', allowed, /^-?\d{1,15}$/, (n) => Number.isInteger(n) && n >= min && n <= max);
}

/** A share, 0 to 1. */
export const ratio = numberFormat('ratio', 'a number from 0 to 1', /^\d*\.?\d+$/, (n) => n >= 0 && n <= 1);

export const boolean: Format<boolean> = {
  name: 'boolean',
  allowed: 'true or false',
  placeholder: '',
  coerce: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  read: (value) => (typeof value === 'boolean' ? ok(value) : refuse('true or false', value)),
};

/** An http or https URL. A password in it is refused: it would show in process lists and logs. */
export const url: Format<string> = {
  name: 'url',
  allowed: 'an http:// or https:// URL',
  placeholder: '<url>',
  coerce: asText,
  read(value) {
    if (typeof value !== 'string' || !URL.canParse(value)) return refuse(url.allowed, value);
    const { protocol, username, password } = new URL(value);
    if (protocol !== 'http:' && protocol !== 'https:') return refuse(url.allowed, value);
    if (username || password) {
      return err('must not carry a user or password: they belong in an option of their own and a file');
    }
    return ok(value.replace(/\/+$/, ''));
  },
};

/** A reader of the core as a format; its reasons begin with what they are about. */
function coreFormat<T>(
  name: string,
  allowed: string,
  read: (value: unknown) => Result<T>,
  coerce: (text: string) => unknown = asText,
): Format<T> {
  return {
    name,
    allowed,
    placeholder: `<${name}>`,
    coerce,
    read(value) {
      const result = read(value);
      return result.ok ? result : err(result.reason.replace(/^\S+ (?=must )/, ''));
    },
  };
}

/** Reads text by a parser of the core. */
function readText<T>(allowed: string, parse: (text: string) => Result<T>): (value: unknown) => Result<T> {
  return (value) => (typeof value === 'string' ? parse(value) : refuse(allowed, value));
}

const SERVICE = 'letters, digits, "_", "." or "-" (at most 128)';
export const service: Format<string> = coreFormat('service', SERVICE, readText(SERVICE, parseService));

/** One of NGINX's own server parameters, in its canonical form; written as `like` is. */
export function parameter<P extends ParameterName>(
  name: P,
  like: Format<unknown>,
): Format<ServerParameters[P]> {
  const read = (value: unknown) => readParameter(name, value);
  return {
    ...coreFormat(like.name, `a valid ${name}`, read, (text) => like.coerce(text)),
    placeholder: like.placeholder,
  };
}

/** Any number of `item`s; in text they are separated by commas. */
export function listOf<T>(item: Format<T>): Format<readonly T[]> {
  return {
    name: `list of ${item.name}`,
    allowed: `a list, each item ${item.allowed}`,
    placeholder: item.placeholder,
    repeatable: true,
    coerce: (text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
        .map((part) => item.coerce(part)),
    read(value) {
      if (!Array.isArray(value)) return refuse(`a list, each item ${item.allowed}`, value);
      const results = value.map((element: unknown) => item.read(element));
      const reason = results.flatMap((result) => (result.ok ? [] : [result.reason]))[0];
      if (reason !== undefined) return err(reason);
      return ok(results.flatMap((result) => (result.ok ? [result.value] : [])));
    },
  };
}

/** Networks in CIDR form. */
export const networks: Format<Networks> = listOf(
  coreFormat(
    'network',
    'an IP network such as 10.0.0.0/8',
    readText('an IP network such as 10.0.0.0/8', parseNetwork),
  ),
);

const MAP = 'a map of text, as name=value';

/** Names with texts; in text `name=value`, separated by commas. */
export const map: Format<Readonly<Record<string, string>>> = {
  name: 'map',
  allowed: MAP,
  placeholder: '<name=value>',
  repeatable: true,
  coerce(text) {
    const pairs = text.split(',').map((pair) => /^([^=]+)=(.*)$/s.exec(pair.trim()));
    if (pairs.some((pair) => pair === null)) return text;
    return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
  },
  read(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(MAP, value);
    const [stray] = Object.entries(value).filter(([, text]) => typeof text !== 'string');
    if (stray) return err(`must be ${MAP}: ${stray[0]} must be text (in quotes), got ${show(stray[1])}`);
    return ok(value as Record<string, string>);
  },
};
