import { isObject, JSON_BOUNDS, readJson } from './bounded-json.js';
import { type Instance, type KeyPrefixes, parseInstance, registrationKey } from './keys.js';
import type { Registration } from './registration.js';
import { describe, err, ok, quote, type Result } from './result.js';
import { DEFAULT_PARAMETERS, nonDefault, PARAMETER_NAMES, readParameters } from './server-parameters.js';

/** The longest value that is read, in characters. A registration has a few dozen. */
export const MAX_VALUE_LENGTH = JSON_BOUNDS.length;

const FIELDS: ReadonlySet<string> = new Set([...PARAMETER_NAMES, 'drain', 'meta']);

/**
 * The result of decoding one key: accepted, with warnings about ignored parts, or rejected with the reason. A rejected key
 * that is well-formed still has its `instance`: a bad value must not remove a running server.
 */
export type Decoded =
  | {
      readonly status: 'accepted';
      readonly registration: Registration;
      readonly warnings: readonly string[];
    }
  | { readonly status: 'rejected'; readonly instance?: Instance; readonly reason: string };

/** Reads a registration. Never throws: keys and values are untrusted input. */
export function decodeRegistration(prefixes: KeyPrefixes, key: string, value: string): Decoded {
  const instance = parseInstance(prefixes.services, key);
  if (!instance.ok) return { status: 'rejected', reason: instance.reason };
  return withInstance(instance.value, readValue(value));
}

/** What a value says, whose key ever has it. */
export type ValueRead = Result<
  Pick<Registration, 'parameters' | 'drain' | 'meta'> & { readonly warnings: readonly string[] }
>;

/** What the value, as it was read, says of an instance. */
export function withInstance(instance: Instance, read: ValueRead): Decoded {
  if (!read.ok) return { status: 'rejected', instance, reason: read.reason };
  const { warnings, ...said } = read.value;
  return { status: 'accepted', registration: { ...instance, ...said }, warnings };
}

/** Reads the value of a registration. Never throws. */
export function readValue(value: string): ValueRead {
  const fields = readObject(value);
  if (!fields.ok) return fields;
  if (fields.value !== undefined) return readFields(fields.value);
  const warnings =
    value.trim() === '' ? [] : ['value is not a JSON object: all parameters take their defaults'];
  return ok({ parameters: DEFAULT_PARAMETERS, drain: false, meta: {}, warnings });
}

/** The key and value of a registration. Parameters at their defaults are left out. */
export function encodeRegistration(
  prefixes: KeyPrefixes,
  registration: Registration,
): { key: string; value: string } {
  const { parameters, drain, meta } = registration;
  const value = {
    ...nonDefault(parameters),
    ...(drain ? { drain } : {}),
    ...(Object.keys(meta).length > 0 ? { meta } : {}),
  };
  return { key: registrationKey(prefixes, registration), value: JSON.stringify(value) };
}

/**
 * Reads the value as a JSON object. Plain text and other JSON values give `undefined`, which means all defaults.
 * A value that looks like a broken object is refused: with all defaults, a server that was drained, down or of low weight
 * would get full traffic again.
 */
function readObject(value: string): Result<Readonly<Record<string, unknown>> | undefined> {
  if (value.length > MAX_VALUE_LENGTH) {
    return err(`value must be at most ${MAX_VALUE_LENGTH} characters, got ${value.length}`);
  }
  if (!attemptsJson(value)) return ok(undefined);
  const parsed = readJson(value);
  if (!parsed.ok) return err(`value looks like JSON and ${parsed.reason}`);
  if (isObject(parsed.value)) return ok(parsed.value);
  if (typeof parsed.value === 'string' && attemptsJson(parsed.value)) {
    return err('value must be a JSON object, got one as text in quotes');
  }
  return ok(undefined);
}

/** Whether text begins like a JSON object, array or string (also with a byte order mark or a single quote), or contains a brace. */
function attemptsJson(text: string): boolean {
  return /^[\uFEFF]|^\s*["'[]|[{}]/.test(text);
}

function readFields(fields: Readonly<Record<string, unknown>>): ValueRead {
  const parameters = readParameters(fields);
  if (!parameters.ok) return parameters;
  const drain = fields.drain ?? false;
  if (typeof drain !== 'boolean') return err(`drain must be true or false, got ${describe(drain)}`);
  const unknown = Object.keys(fields).filter((name) => !FIELDS.has(name));
  const { meta, warnings } = readMeta(fields.meta);
  return ok({
    parameters: parameters.value,
    drain,
    meta,
    warnings: unknown.length > 0 ? [...warnings, ignored(unknown)] : warnings,
  });
}

function ignored(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => quote(name, 32));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return `unknown fields are ignored: ${shown.join(', ')}${more}`;
}

function readMeta(value: unknown): { meta: Record<string, string>; warnings: string[] } {
  if (value === undefined) return { meta: {}, warnings: [] };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { meta: {}, warnings: ['meta must be an object of strings: ignored'] };
  }
  const entries = Object.entries(value);
  const strings = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return {
    meta: Object.fromEntries(strings),
    warnings: strings.length < entries.length ? ['meta values that are not strings are ignored'] : [],
  };
}
