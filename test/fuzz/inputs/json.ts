/** JSON text: good values with other ones in the wrong places, and text that is nearly JSON. */
import { fc } from '../../support/property.js';
import { oddText, spoilt } from './text.js';

const LITERALS = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1',
  '1.5',
  '1e3',
  '1e999',
  '-1e999',
  '1e-999',
  '65536',
  '2147483648',
  '9007199254740993',
  '18446744073709551616',
  '""',
  '"1"',
  '"true"',
  '"\\u0000"',
  '"\\ud800"',
  '[]',
  '{}',
  '[null]',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toJSON":1,"toString":1,"valueOf":1}',
  '{"length":1000000000}',
  'NaN',
  'Infinity',
  '0x10',
  '+1',
  '.5',
  '01',
  "'a'",
  '"\\x"',
  'undefined',
] as const;

/** So deep that a function which calls itself for each level runs out of stack. */
export const deepJson: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(['[', ']'] as const, ['{"a":', '}'] as const, ['[[],', ']'] as const),
    fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(1_000, 4_000, 8_150, 50_000)),
    fc.boolean(),
  )
  .map(([[open, close], depth, closed]) => `${open.repeat(depth)}${closed ? `1${close.repeat(depth)}` : ''}`);

const long = fc
  .tuple(fc.constantFrom('1', 'x', '\\u0000', '1,', '"a",'), fc.constantFrom(40, 400, 20_000))
  .chain(([unit, times]) =>
    fc.constantFrom(unit.repeat(times), `"${unit.replaceAll('"', '').repeat(times)}"`),
  );

/** One JSON value, or what looks like one, as text. */
export const oddJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...LITERALS) },
  { weight: 2, arbitrary: deepJson },
  { weight: 1, arbitrary: long },
  { weight: 2, arbitrary: oddText.map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
);

/** One change in a value: of the node `at`, counted from its root and beginning again behind the last. */
interface Change {
  readonly how: 'replace' | 'add' | 'drop';
  readonly at: number;
  readonly raw: string;
  readonly name: string;
}

const change = (names: readonly string[]): fc.Arbitrary<Change> =>
  fc.record({
    how: fc.constantFrom('replace', 'replace', 'add', 'drop'),
    at: fc.nat(200),
    raw: oddJson,
    name: names.length === 0 ? oddText : fc.oneof(fc.constantFrom(...names), oddText),
  });

function isNode(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function nodes(value: unknown): number {
  return 1 + (isNode(value) ? Object.values(value).reduce((sum, inner) => sum + nodes(inner), 0) : 0);
}

/** Writes a value as JSON with changes at some of its nodes. */
class Writer {
  readonly #changes = new Map<number, Change>();
  #node = 0;

  constructor(count: number, changes: readonly Change[]) {
    for (const one of changes) this.#changes.set(one.at % count, one);
  }

  /** The text of a value; `undefined` where it was dropped. */
  write(value: unknown): string | undefined {
    const change = this.#changes.get(this.#node++);
    const inner = isNode(value) ? this.#members(value) : [];
    if (change?.how === 'replace') return change.raw;
    if (change?.how === 'drop') return undefined;
    if (!isNode(value)) return JSON.stringify(value);
    const isList = Array.isArray(value);
    const added = isList ? change?.raw : change && `${JSON.stringify(change.name)}:${change.raw}`;
    const members = added === undefined ? inner : [...inner, added];
    return isList ? `[${members.join(',')}]` : `{${members.join(',')}}`;
  }

  #members(value: object): string[] {
    return Object.entries(value).flatMap(([name, inner]) => {
      const text = this.write(inner);
      if (text === undefined) return [];
      return [Array.isArray(value) ? text : `${JSON.stringify(name)}:${text}`];
    });
  }
}

/**
 * JSON that is nearly what `valid` gives: other values at some nodes, fields added (`names` among them, and twice, too)
 * and left out. One in some is `valid` itself, one in some is no JSON any more.
 */
export function nearlyJson(
  valid: fc.Arbitrary<unknown>,
  names: readonly string[] = [],
): fc.Arbitrary<string> {
  const changed = fc
    .tuple(valid, fc.array(change(names), { maxLength: 3 }))
    .map(([value, changes]) => new Writer(nodes(value), changes).write(value) ?? '');
  return fc.oneof(
    { weight: 6, arbitrary: changed },
    { weight: 3, arbitrary: spoilt(changed) },
    { weight: 1, arbitrary: oddJson },
  );
}
