import { isObject, JSON_BOUNDS, type JsonBounds, readJsonObject } from '../core/bounded-json.js';
import { printable } from '../core/printable.js';
import { describe, err, ok, quote, type Result } from '../core/result.js';

/** Reads one value of a record; untrusted, so it may be anything. */
export type Reader<T> = (value: unknown) => Result<T>;

/** Why a record cannot be read. It stays within this module: whoever reads a record gets a `Result`. */
class FieldError extends Error {}

/** The fields of a record while it is read. */
export class Fields {
  private readonly known = new Set<string>();

  constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly path: string,
  ) {}

  /** The field's value; the record is refused where it is missing. */
  required<T>(name: string, read: Reader<T>): T {
    const value = this.optional(name, read);
    if (value === undefined) throw new FieldError(`${this.path}${name} is missing`);
    return value;
  }

  /** The field's value; undefined where it is missing. */
  optional<T>(name: string, read: Reader<T>): T | undefined {
    this.known.add(name);
    if (!Object.hasOwn(this.fields, name)) return undefined;
    const value = read(this.fields[name]);
    if (!value.ok) throw new FieldError(`${this.path}${name} ${value.reason}`);
    return value.value;
  }

  /** A field that is an object with fields of its own; undefined where it is missing. */
  optionalObject<T extends object>(name: string, build: (fields: Fields) => T): T | undefined {
    const value = this.optional(name, object);
    return value === undefined ? undefined : new Fields(value, `${this.path}${name}.`).build(build);
  }

  /** As `optionalObject`; the record is refused where it is missing. */
  object<T extends object>(name: string, build: (fields: Fields) => T): T {
    const value = this.optionalObject(name, build);
    if (value === undefined) throw new FieldError(`${this.path}${name} is missing`);
    return value;
  }

  /** A field that is a list of at most `max` objects with fields of their own; undefined where it is missing. */
  optionalObjects<T extends object>(
    name: string,
    max: number,
    build: (fields: Fields) => T,
  ): readonly T[] | undefined {
    const list = this.optional(name, listOf(object, max));
    return list?.map((value, i) => new Fields(value, `${this.path}${name}[${i}].`).build(build));
  }

  /** All fields, at most `max`, by names that `readName` reads. */
  all<T>(max: number, readName: Reader<string>, read: Reader<T>): ReadonlyMap<string, T> {
    return this.#named(max, readName, (name) => this.required(name, read));
  }

  /** As `all`, for fields that are objects with fields of their own. */
  allObjects<T extends object>(
    max: number,
    readName: Reader<string>,
    build: (fields: Fields) => T,
  ): ReadonlyMap<string, T> {
    return this.#named(max, readName, (name) => this.object(name, build));
  }

  #named<T>(max: number, readName: Reader<string>, read: (name: string) => T): ReadonlyMap<string, T> {
    const names = Object.keys(this.fields);
    if (names.length > max) throw new FieldError(`${this.path} must have at most ${max} members`);
    return new Map(
      names.map((name) => {
        const known = readName(name);
        if (!known.ok) throw new FieldError(`${this.path}${quote(name, 32)}: ${known.reason}`);
        return [known.value, read(name)];
      }),
    );
  }

  /** Accepts all fields that were not read. */
  ignoreOthers(): void {
    for (const name of Object.keys(this.fields)) this.known.add(name);
  }

  build<T extends object>(build: (fields: Fields) => T): T {
    const record = build(this);
    const unknown = Object.keys(this.fields).find((name) => !this.known.has(name));
    if (unknown === undefined) return record;
    throw new FieldError(
      `${this.path}${quote(unknown, 32)} is not known here: a newer sidekick may have written it`,
    );
  }
}

/**
 * Reads a record from untrusted JSON. A field that is not known refuses the whole record: a newer sidekick may have
 * limited with it who is offered what, and to ignore it would offer more. Never throws.
 */
export function readRecord<T extends object>(
  text: string,
  build: (fields: Fields) => T,
  bounds: JsonBounds = JSON_BOUNDS,
): Result<T> {
  const parsed = readJsonObject(text, bounds);
  return parsed.ok ? readFields(parsed.value, build) : parsed;
}

/** As `readRecord`, for untrusted JSON that was parsed already within bounds. Never throws. */
export function readFields<T extends object>(value: unknown, build: (fields: Fields) => T): Result<T> {
  if (!isObject(value)) return err('must be a JSON object');
  try {
    return ok(new Fields(value, '').build(build));
  } catch (error) {
    if (error instanceof FieldError) return err(error.message);
    throw error;
  }
}

/** Text for people: made fit to be shown, and cut to `limit` characters. */
export function prose(limit: number): Reader<string> {
  return (value) =>
    typeof value === 'string' ? ok(printable(value, limit)) : err(`must be text, ${got(value)}`);
}

/** Text of a fixed form; `what` completes "must be". */
export function matching(pattern: RegExp, what: string): Reader<string> {
  return (value) =>
    typeof value === 'string' && pattern.test(value) ? ok(value) : err(`must be ${what}, ${got(value)}`);
}

export function integer(min: number, max: number): Reader<number> {
  return (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? ok(value)
      : err(`must be an integer from ${min} to ${max}, ${got(value)}`);
}

export const flag: Reader<boolean> = (value) =>
  typeof value === 'boolean' ? ok(value) : err(`must be true or false, ${got(value)}`);

/** A field that is true, or missing. */
export const trueFlag: Reader<true> = (value) =>
  value === true ? ok(true) : err(`must be true or left out, ${got(value)}`);

export function oneOf<T extends string | number>(allowed: readonly T[]): Reader<T> {
  return (value) => {
    const found = allowed.find((one) => one === value);
    return found === undefined ? err(`must be one of ${allowed.join(', ')}, ${got(value)}`) : ok(found);
  };
}

/** A list of at most `max` different values. */
export function listOf<T>(read: Reader<T>, max: number): Reader<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) return err(`must be a list, ${got(value)}`);
    if (value.length > max) return err(`must have at most ${max} members, got ${value.length}`);
    const list: T[] = [];
    for (const member of value) {
      const one = read(member);
      if (!one.ok) return one;
      list.push(one.value);
    }
    return new Set(list).size === list.length ? ok(list) : err('must not name anything twice');
  };
}

/** A time in ISO 8601, given back in UTC as `Date` writes it. */
export const time: Reader<string> = (value) => {
  const at = typeof value === 'string' && value.length <= 40 ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? err(`must be a time in ISO 8601, ${got(value)}`) : ok(new Date(at).toISOString());
};

const object: Reader<Readonly<Record<string, unknown>>> = (value) =>
  isObject(value) ? ok(value) : err(`must be an object, ${got(value)}`);

function got(value: unknown): string {
  return `got ${describe(value)}`;
}
