import { err, ok, type Result } from '../../core/result.js';
import { parseDuration } from './duration.js';
import { show } from './redact.js';

/** What the values of an option look like: how they are written, and how they are read into a `T`. Each is a format of convict. */
export interface Format<T> {
  /** One word for the reference, such as `duration`. */
  readonly name: string;
  /** What is allowed, to follow `must be`. It is also the format's name in convict, so no two formats may share it. */
  readonly allowed: string;
  /** Stands for the value in help texts; empty for a switch. */
  readonly placeholder: string;
  /** Flags of this format may be given several times; the values are joined by commas. */
  readonly repeatable?: boolean;
  /** The only texts that are allowed, where these are few. */
  readonly words?: readonly string[];
  /** Turns the text of a flag or variable into what a file would hold; text that does not fit is returned as it is. */
  coerce(text: string): unknown;
  /** Reads what a file holds. */
  read(value: unknown): Result<T>;
}

/** The reason that a value is not `allowed`. */
export function refuse(allowed: string, value: unknown): Result<never> {
  return err(`must be ${allowed}, got ${show(value)}`);
}

/** Leaves text as it is. */
export const asText = (text: string): unknown => text;

/** Text that `parse` reads; undefined where it does not fit. */
export function textFormat<T>(
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
  const base = textFormat(
    'enum',
    `one of ${words.join(', ')}`,
    (text) => words.find((word) => word === text),
    `<${words.join('|')}>`,
  );
  return { ...base, words };
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

/** A number. Text that matches `spelling` becomes one; `fits` decides whether it is allowed. */
function numberFormat(
  name: string,
  allowed: string,
  spelling: RegExp,
  fits: (n: number) => boolean,
): Format<number> {
  return {
    name,
    allowed,
    placeholder: `<${name}>`,
    coerce: (text) => (spelling.test(text) ? Number(text) : text),
    read: (value) => (typeof value === 'number' && fits(value) ? ok(value) : refuse(allowed, value)),
  };
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

/** Any number of `item`s; in text they are separated by commas. */
export function listOf<T>(item: Format<T>): Format<readonly T[]> {
  return {
    name: `list of ${item.name}`,
    allowed: `a list, each item ${item.allowed}`,
    placeholder: item.placeholder,
    repeatable: true,
    ...(item.words && { words: item.words }),
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

/** A prefix of keys in etcd. */
export const keyPrefix: Format<string> = textFormat(
  'prefix',
  'a prefix that begins and ends with a slash, such as /services/',
  (text) => (/^\/([^/\s]+\/)+$/.test(text) ? text : undefined),
);

/** A program and its arguments; in text they are separated by spaces. */
export const command: Format<readonly [string, ...string[]]> = {
  name: 'command',
  allowed: 'a program and its arguments, as a list or separated by spaces',
  placeholder: '<command>',
  coerce: (text) => text.split(/\s+/).filter((word) => word !== ''),
  read(value) {
    const words: readonly unknown[] = Array.isArray(value) ? value : [];
    const [program, ...rest] = words.filter((word) => typeof word === 'string');
    if (!program || rest.length + 1 !== words.length) return refuse(command.allowed, value);
    return ok([program, ...rest]);
  },
};

const MQTT_VERSIONS = oneOf('3.1.1', '5');

/** `3.1.1` or `5`, read into the number that the protocol has for it: 4 or 5 (MQTT 3.1.1 and 5, section 3.1.2.2). */
export const mqttVersion: Format<4 | 5> = {
  ...MQTT_VERSIONS,
  read(value) {
    // YAML reads a bare `5` as a number.
    const version = MQTT_VERSIONS.read(typeof value === 'number' ? String(value) : value);
    return version.ok ? ok(version.value === '5' ? 5 : 4) : version;
  },
};
