import convict from 'convict';
import { err, ok, type Result } from '../../core/result.js';
import type { Format } from './formats.js';
import type { Layer } from './layers.js';
import { HIDDEN } from './redact.js';
import { isOption, type Option, optionsOf, type Schema } from './schema.js';

/**
 * A schema with values as they were written. Convict holds the schema, its formats and its defaults, turns text into
 * values and validates them. It does not do three things, which are done here:
 *
 * - It does not say which source a value came from. So its own reading of variables, arguments and files is not used.
 * - It joins all findings into one text. So the formats hand theirs over one by one.
 * - It takes the names in a map for keys, and fails at names with dots in them. So a map is handed over as a `Map`.
 */
export class RawConfig {
  readonly #schema: Schema;
  readonly #config: convict.Config<Record<string, unknown>>;
  readonly #origins = new Map<string, string>();
  readonly #results = new Map<string, Result<unknown>>();

  /** @param layers Each is laid over those before it. */
  constructor(schema: Schema, layers: readonly Pick<Layer, 'values' | 'origin'>[]) {
    this.#schema = schema;
    for (const { type } of optionsOf(schema).values()) declareFormat(type);
    this.#config = convict<Record<string, unknown>>(this.#nodes(schema) as never, { env: {}, args: [] });
    for (const { values, origin } of layers) {
      for (const [key, value] of values) {
        this.#config.set(key, opaque(value));
        this.#origins.set(key, origin(key));
      }
    }
  }

  /** The value as a file would hold it; null if there is none. */
  get(key: string): unknown {
    return plain(this.#config.get(key));
  }

  /** Where the value was written, for messages; undefined for a default. */
  origin(key: string): string | undefined {
    return this.#origins.get(key);
  }

  /** Validates every option. Returns the value of each, or the reason why it is not allowed, by key. */
  validate(): ReadonlyMap<string, Result<unknown>> {
    this.#results.clear();
    try {
      this.#config.validate({ allowed: 'strict' });
    } catch (error) {
      if ([...this.#results.values()].every(({ ok }) => ok)) throw error;
    }
    const entries = [...optionsOf(this.#schema)].map(
      ([key, option]) => [key, this.#result(key, option)] as const,
    );
    return new Map(entries);
  }

  #result(key: string, { type, required, sensitive }: Option<unknown>): Result<unknown> {
    // Convict does not ask the format about an option that has no value and needs none.
    const result = this.#results.get(key) ?? (required ? err(`is required: ${type.allowed}`) : ok(undefined));
    return result.ok || !sensitive || this.get(key) === null
      ? result
      : err(`must be ${type.allowed}, got ${HIDDEN}`);
  }

  /** The schema for convict, each node with the function that its format reports to. */
  #nodes(schema: Schema, prefix = ''): object {
    return Object.fromEntries(
      Object.entries(schema).map(([name, node]) => {
        const key = `${prefix}${name}`;
        if (!isOption(node)) return [name, this.#nodes(node, `${key}.`)];
        const report: Report = (result) => this.#results.set(key, result);
        return [name, { ...node, report }];
      }),
    );
  }
}

type Report = (result: Result<unknown>) => void;

/** Formats that convict knows already. Its registry is global. */
const declared = new WeakSet<Format<unknown>>();

function declareFormat(type: Format<unknown>): void {
  if (declared.has(type)) return;
  declared.add(type);
  convict.addFormat({
    name: type.allowed,
    coerce: (text: string) => opaque(type.coerce(text)),
    validate(value: unknown, node) {
      const result = type.read(plain(value));
      (node as unknown as { readonly report: Report }).report(result);
      if (!result.ok) throw new Error(result.reason);
    },
  });
}

/** A map as one value; see `RawConfig`. */
function opaque(value: unknown): unknown {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap ? new Map(Object.entries(value)) : value;
}

function plain(value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
