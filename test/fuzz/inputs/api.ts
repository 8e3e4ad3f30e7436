/** Requests to the NGINX Plus API: valid ones, and those that nobody means well with. */
import { fc } from '../../support/property.js';
import { nearlyJson, oddJson } from './json.js';
import { oddText, spoilt } from './text.js';

export interface ApiRequest {
  readonly method: string;
  /** Path and query, as they stand on the wire: printable ASCII. */
  readonly target: string;
  readonly body: string;
}

/** The groups and zones that the requests are about; any other one must stay as it is. */
interface Names {
  readonly upstreams: readonly string[];
  readonly keyvals: readonly string[];
}

const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS', 'TRACE', 'get', 'BREW'] as const;

const address = fc.oneof(
  fc.nat(20).map((n) => `10.1.0.${n}:80`),
  fc.constantFrom(
    '10.1.0.1',
    '[2001:db8::1]:80',
    'example.com:80',
    'unix:/x.sock',
    '10.1.0.1:0',
    '::1',
    '[::1',
  ),
  oddText,
);

const parameters = {
  weight: fc.integer({ min: 1, max: 65_535 }),
  max_conns: fc.nat(9),
  max_fails: fc.nat(9),
  fail_timeout: fc.constantFrom('10s', '1h30m', 7, `${'1'.repeat(40)}x`, `${'1 '.repeat(40)}x`),
  slow_start: fc.constantFrom('0s', '1m', '5 s'),
  route: fc.constantFrom('', 'a', 'x'.repeat(33)),
  backup: fc.boolean(),
  down: fc.boolean(),
  drain: fc.boolean(),
  service: fc.constantFrom('_http._tcp'),
};

const server = fc.record({ server: address, ...parameters }, { requiredKeys: ['server'] });

const change = fc.record(parameters, { requiredKeys: [] });

const pairs = fc.dictionary(
  fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor', 'with space', ''), oddText),
  fc.oneof(
    fc.string(),
    fc.constant(null),
    fc.record({ value: fc.string(), expire: fc.oneof(fc.nat(10_000), fc.constantFrom('1', 1e21, -1)) }),
  ),
  { maxKeys: 3 },
);

const SERVER_FIELDS = ['server', 'weight', 'fail_timeout', 'route', 'down', 'drain', 'service'] as const;

const body: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: nearlyJson(server, SERVER_FIELDS) },
  { weight: 3, arbitrary: nearlyJson(change, SERVER_FIELDS) },
  { weight: 3, arbitrary: nearlyJson(pairs, ['value', 'expire']) },
  { weight: 1, arbitrary: oddJson },
  { weight: 2, arbitrary: fc.constant('') },
);

const FIXED = [
  '',
  'nginx',
  'processes',
  'connections',
  'workers',
  'ssl',
  'slabs',
  'resolvers',
  'http',
  'stream',
  'http/requests',
  'http/server_zones',
  'stream/limit_conns',
  'http/upstreams',
  'stream/upstreams',
  'http/keyvals',
  'stream/keyvals',
] as const;

const query = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '?fields=',
      '?fields=peers',
      '?fields=__proto__,zone',
      '?key=a',
      '?key=__proto__',
      '?',
      '?&&=&=',
    ),
  },
  { weight: 1, arbitrary: oddText.map((text) => `?key=${encoded(text)}&fields=${encoded(text)}`) },
);

/** Percent-encoded as UTF-8, whatever the text is. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString('utf8'));
}

/** A request line holds printable ASCII; NGINX itself refuses anything else. */
function onWire(text: string): string {
  return text.replace(/[^!-~]/gu, (char) => encoded(char));
}

const named = (names: readonly string[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...names) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('__proto__', 'constructor', 'nowhere', '..', '%2e%2e', '%zz', '%00'),
    },
    { weight: 1, arbitrary: oddText.map(encoded) },
  );

const id = fc.oneof(
  { weight: 5, arbitrary: fc.nat(12).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('-1', '1e3', '00', '4294967296', '9'.repeat(400), '0x1', '%30', ''),
  },
);

/** Paths behind `/api/<version>/`. */
const path = ({ upstreams, keyvals }: Names): fc.Arbitrary<string> => {
  const kind = fc.constantFrom('http', 'stream');
  return fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...FIXED) },
    { weight: 2, arbitrary: fc.tuple(kind, named(upstreams)).map(([k, name]) => `${k}/upstreams/${name}`) },
    {
      weight: 4,
      arbitrary: fc.tuple(kind, named(upstreams)).map(([k, name]) => `${k}/upstreams/${name}/servers`),
    },
    {
      weight: 5,
      arbitrary: fc
        .tuple(kind, named(upstreams), id)
        .map(([k, name, at]) => `${k}/upstreams/${name}/servers/${at}`),
    },
    { weight: 4, arbitrary: fc.tuple(kind, named(keyvals)).map(([k, name]) => `${k}/keyvals/${name}`) },
  );
};

const version = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('9', '8', '4') },
  { weight: 1, arbitrary: fc.constantFrom('0', '10', '1', '9.0', '١', '', '9'.repeat(400), 'x') },
);

const hostile = (names: Names): fc.Arbitrary<ApiRequest> =>
  fc.record({
    method: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE') },
      { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
    ),
    target: fc
      .tuple(version, spoilt(path(names), 1), query, fc.constantFrom('', '/', '//'))
      .map(([v, text, asked, slash]) => onWire(`/api/${v}/${text}${slash}`) + asked),
    body,
  });

/** As a client of good conduct sends it; the first of the names are those of http. */
const good = ({ upstreams, keyvals }: Names): fc.Arbitrary<ApiRequest> => {
  const servers = `/api/9/http/upstreams/${upstreams[0]}/servers`;
  return fc.oneof(
    fc.constantFrom(
      { method: 'GET', target: servers, body: '' },
      { method: 'GET', target: '/api/9/http/keyvals', body: '' },
      { method: 'DELETE', target: `/api/9/http/keyvals/${keyvals[0]}`, body: '' },
    ),
    fc.nat(20).map((n) => ({ method: 'POST', target: servers, body: `{"server":"10.1.0.${n}:80"}` })),
    fc.nat(5).map((n) => ({ method: 'PATCH', target: `${servers}/${n}`, body: '{"weight":5}' })),
  );
};

/** Mostly hostile. */
export const apiRequest = (names: Names): fc.Arbitrary<ApiRequest> =>
  fc.oneof({ weight: 1, arbitrary: good(names) }, { weight: 4, arbitrary: hostile(names) });
