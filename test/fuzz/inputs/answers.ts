/** Answers of NGINX that are no answers: each of them can be told from a true one. */
import { fc } from '../../support/property.js';
import { deepJson } from './json.js';

/** What an answer becomes on its way. `at` is a part of a thousand of its length, or counts its members. */
export type Spoilt =
  | { readonly how: 'cut' | 'control' | 'drip' | 'short' | 'long'; readonly at: number }
  | { readonly how: 'status'; readonly status: number; readonly body: string }
  | { readonly how: 'raw'; readonly bytes: string }
  | { readonly how: 'whole'; readonly text: string }
  | { readonly how: 'field'; readonly at: number; readonly name: string; readonly text: string };

const HTML = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';

const at = fc.nat(999);

/** Of no type that an answer to a read has. */
const wrong = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('null', '5', '"x"', 'true', '1e999', '') },
  { weight: 1, arbitrary: fc.constantFrom(`"${'x'.repeat(2_000_000)}"`, '[null]', '[[],{}]') },
  { weight: 1, arbitrary: deepJson.filter((text) => !text.startsWith('{')) },
);

/** Fields of a server or of NGINX itself, and values that none of them has. */
const field = fc.record({
  how: fc.constant('field' as const),
  at: fc.nat(9),
  name: fc.constantFrom('id', 'server', 'weight', 'down', 'generation', 'fail_timeout'),
  text: fc.constantFrom(
    'null',
    '[]',
    '{}',
    '-1.5',
    '1e999',
    '"\\u0000"',
    '[[[]]]',
    `${'['.repeat(9_000)}${']'.repeat(9_000)}`,
  ),
});

export const spoiltAnswer: fc.Arbitrary<Spoilt> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ how: fc.constantFrom('cut', 'control', 'drip', 'short', 'long'), at }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        how: fc.constant('status' as const),
        status: fc.constantFrom(200, 204, 301, 400, 403, 404, 500, 502, 503),
        body: fc.constantFrom(HTML, 'x', '{"error":5}', '{"error":{"code":7,"text":[]}}', '[]', '{}'),
      })
      .filter(({ status, body }) => status !== 200 || body === HTML || body === 'x'),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      how: fc.constant('raw' as const),
      bytes: fc.constantFrom(
        '',
        '\0\0\0',
        'HTTP/9.9 999 x\r\n\r\n',
        'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
        'SSH-2.0-x\r\n',
        `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}`,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ how: fc.constant('whole' as const), text: wrong }) },
  { weight: 4, arbitrary: field },
);

/** The text of an answer with one field of one of its members, or of itself, replaced; undefined where it has none such. */
function withField(
  text: string,
  { at: member, name, text: raw }: Extract<Spoilt, { how: 'field' }>,
): string | undefined {
  const value = JSON.parse(text) as unknown;
  const places = (Array.isArray(value) ? value : [value]) as Record<string, unknown>[];
  const place = places[member % Math.max(1, places.length)];
  if (typeof place !== 'object' || place === null || !(name in place)) return undefined;
  const mark = 'the place of the field';
  place[name] = mark;
  return JSON.stringify(value).replace(JSON.stringify(mark), () => raw);
}

/** The body of an answer, spoilt; `text` is the true one. */
export function spoiltBody(text: string, spoilt: Spoilt): string {
  switch (spoilt.how) {
    case 'cut':
      return text.slice(
        0,
        Math.max(1, Math.floor((text.length * spoilt.at) / 1000)) - (text.length === 1 ? 1 : 0),
      );
    case 'control': {
      const place = Math.floor((text.length * spoilt.at) / 1000);
      return `${text.slice(0, place)}\0${text.slice(place)}`;
    }
    case 'status':
      return spoilt.body;
    case 'whole':
      return spoilt.text;
    case 'field':
      return withField(text, spoilt) ?? '<';
    default:
      return text;
  }
}
