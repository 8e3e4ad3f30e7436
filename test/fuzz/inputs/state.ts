/** State files as a broken disk, an older version or another process may leave them. */
import { fc } from '../../support/property.js';
import { nearlyJson } from './json.js';
import { oddText, spoilt } from './text.js';

const parameter = fc.constantFrom(
  'weight=5',
  'weight=0',
  'max_conns=9',
  'max_fails=0',
  'fail_timeout=30s',
  `fail_timeout=${'1'.repeat(40)}x`,
  'slow_start=1m',
  'route=a%20b',
  'route=%zz',
  'backup',
  'down',
  'drain',
  '__proto__=1',
  'constructor',
  '=',
  'weight=1 weight=2',
);

const line = fc
  .tuple(
    fc.oneof(
      fc.nat(20).map((n) => `10.2.0.${n}:80`),
      fc.constantFrom('[2001:db8::1]:80', 'example.com:80', '10.2.0.1'),
    ),
    fc.array(parameter, { maxLength: 4 }),
  )
  .map(([server, parameters]) => `${['server', server, ...parameters].join(' ')};`);

const uid = fc.oneof(fc.nat(5).map(String), fc.constantFrom('999999999999', '9007199254740993', '-1', 'x'));

const headed = fc.constantFrom(
  '',
  '# Servers after change 3. What came later is in the files of changes beside this one.',
  '# Servers after change 999999999999999',
);

const stateLine = fc.oneof(
  { weight: 3, arbitrary: line },
  { weight: 3, arbitrary: fc.tuple(line, uid).map(([text, number]) => `${text} # ${number}`) },
  { weight: 1, arbitrary: oddText },
  { weight: 1, arbitrary: fc.constantFrom('', '# note') },
);

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** Of an upstream group. */
export const groupState: fc.Arbitrary<string> = spoilt(
  fc.tuple(headed, fc.array(stateLine, { maxLength: 8 })).map(([first, rest]) => lines([first, ...rest])),
);

const number = fc.oneof(fc.nat(9), fc.constantFrom(2 ** 53, 1e300, -1, 0.5));

/** What has changed since the state of a group was written. */
export const groupChanges: fc.Arbitrary<string> = spoilt(
  fc
    .array(
      nearlyJson(fc.record({ n: number, uid: number, is: line }, { requiredKeys: ['n', 'uid'] }), [
        'n',
        'uid',
        'is',
      ]),
      {
        maxLength: 5,
      },
    )
    .map(lines),
  1,
);

/** Of a keyval zone. */
export const zoneState: fc.Arbitrary<string> = nearlyJson(
  fc.dictionary(
    fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor', ''), fc.string()),
    fc.record({ value: fc.string(), expires: fc.constantFrom(0, 1, 4_102_444_800_000) }),
    { maxKeys: 4 },
  ),
  ['value', 'expires'],
);
