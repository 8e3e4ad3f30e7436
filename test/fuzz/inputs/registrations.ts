/** Keys and values that somebody with rights in etcd writes. */
import { fc } from '../../support/property.js';
import { deepJson, nearlyJson } from './json.js';
import { oddText, spoilt } from './text.js';

export interface Write {
  readonly key: string;
  readonly value: string;
}

export const SERVICES = [
  'firmware',
  'constructor',
  'a.b-c_d',
  '__proto__',
  'toString',
  '0',
  'x'.repeat(128),
] as const;

const host = fc.oneof(
  { weight: 4, arbitrary: fc.nat(20).map((n) => `10.0.0.${n + 1}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '[2001:db8::1]',
      '[2001:DB8:0:0::1]',
      '[::ffff:10.0.0.1]',
      '[fe80::1%eth0]',
      '10.0.0.01',
      '0x0a.0.0.1',
      '010.0.0.1',
      '167772161',
      '999.0.0.1',
      'localhost',
      'unix:/run/x.sock',
      '[::1',
      '',
    ),
  },
  { weight: 1, arbitrary: fc.ipV6().map((text) => `[${text}]`) },
  { weight: 1, arbitrary: oddText },
);

const port = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 65_535 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('0', '65536', '080', '1e3', '-1', '8080/', '٨٠', ' 80', '80 ', ''),
  },
);

const key = (prefixes: readonly string[]) => {
  const service = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...SERVICES) },
    { weight: 1, arbitrary: oddText },
  );
  const good = fc
    .tuple(fc.constantFrom(...prefixes), service, host, port)
    .map(([prefix, name, at, number]) => `${prefix}${name}/${at}:${number}`);
  return fc.oneof({ weight: 2, arbitrary: good }, { weight: 1, arbitrary: spoilt(good) });
};

const time = fc.constantFrom(
  '10s',
  '1m',
  '1h30m',
  '0',
  '500ms',
  5,
  `1${'0'.repeat(40)}s`,
  '1'.repeat(5_000),
  `${'1s '.repeat(2_000)}x`,
);

const registration = fc.record(
  {
    weight: fc.integer({ min: 1, max: 65_535 }),
    max_conns: fc.nat(1_000),
    max_fails: fc.nat(10),
    fail_timeout: time,
    slow_start: time,
    route: fc.constantFrom('', 'a', 'ä b'),
    backup: fc.boolean(),
    down: fc.boolean(),
    drain: fc.boolean(),
    meta: fc.dictionary(
      fc.constantFrom('zone', 'version', '__proto__', 'constructor', ''),
      fc.constantFrom('a', '1.0.0', '\x1b[2J'),
    ),
  },
  { requiredKeys: [] },
);

/** The names of a registration's fields. */
const FIELDS = [
  'weight',
  'max_conns',
  'max_fails',
  'fail_timeout',
  'slow_start',
  'route',
  'backup',
  'down',
  'drain',
  'meta',
] as const;

const value: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: nearlyJson(registration, FIELDS) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...FIELDS), deepJson).map(([name, deep]) => `{"${name}":${deep}}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('', 'lazy-unicorn', '\ufeff{}', ' {} ') },
  { weight: 1, arbitrary: oddText },
);

/** Of one registration. */
export const registrationWrite: fc.Arbitrary<Write> = fc.record({ key: key(['/services/']), value });

/** Of any key that a watcher reads. */
export const anyWrite: fc.Arbitrary<Write> = fc.record({
  key: key([
    '/services/',
    '/services/',
    '/services/',
    '/sidekick/maintenance/',
    '/sidekick/release/',
    '/sidekick/drained/',
  ]),
  value,
});
