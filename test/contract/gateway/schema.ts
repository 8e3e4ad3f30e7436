/**
 * The shapes of NGINX Plus API version 9, for the paths that the gateway serves, and a check of values against them.
 * Taken down from the published description of the API, in a notation of its own: what is not named here may not appear.
 */

/** A shape. `object` names every field that may be there and `required` those that must. */
export type Shape =
  | 'integer'
  | 'string'
  | 'boolean'
  | 'date-time'
  | { enum: readonly string[] }
  | { array: Shape }
  | { map: Shape }
  | { object: Readonly<Record<string, Shape>>; required: readonly string[] };

function object(required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape {
  return { object: { ...required, ...optional }, required: Object.keys(required) };
}

const configured: Record<string, Shape> = {
  id: 'integer',
  server: 'string',
  weight: 'integer',
  max_conns: 'integer',
  max_fails: 'integer',
  fail_timeout: 'string',
  slow_start: 'string',
  backup: 'boolean',
  down: 'boolean',
};

const peer: Record<string, Shape> = {
  id: 'integer',
  server: 'string',
  name: 'string',
  backup: 'boolean',
  weight: 'integer',
  active: 'integer',
  sent: 'integer',
  received: 'integer',
  fails: 'integer',
  unavail: 'integer',
  health_checks: object(
    { checks: 'integer', fails: 'integer', unhealthy: 'integer' },
    { last_passed: 'boolean' },
  ),
  downtime: 'integer',
};

const momentary: Record<string, Shape> = {
  max_conns: 'integer',
  downstart: 'date-time',
  selected: 'date-time',
};

const ssl = object(
  {},
  Object.fromEntries(
    [
      'handshakes',
      'handshakes_failed',
      'session_reuses',
      'no_common_protocol',
      'no_common_cipher',
      'handshake_timeout',
      'peer_rejected_cert',
    ].map((name) => [name, 'integer']),
  ),
);

const slot = object({ used: 'integer', free: 'integer', reqs: 'integer', fails: 'integer' });

/** `codes` came with version 7. */
const responses = object(
  {
    '1xx': 'integer',
    '2xx': 'integer',
    '3xx': 'integer',
    '4xx': 'integer',
    '5xx': 'integer',
    total: 'integer',
  },
  { codes: { map: 'integer' } },
);

const limitConns = object({ passed: 'integer', rejected: 'integer', rejected_dry_run: 'integer' });

const cached = object(
  { responses: 'integer', bytes: 'integer' },
  { responses_written: 'integer', bytes_written: 'integer' },
);

const streamStates = ['up', 'down', 'unavail', 'checking', 'unhealthy'] as const;

const queue = object({ size: 'integer', max_size: 'integer', overflows: 'integer' });

/** The gateway's own, and there only while its disk takes nothing. */
const STALE: Record<string, Shape> = { state: 'string' };

const httpUpstream = object(
  {
    peers: {
      array: object(
        {
          ...peer,
          state: { enum: [...streamStates, 'draining'] },
          requests: 'integer',
          responses,
        },
        { ...momentary, header_time: 'integer', response_time: 'integer' },
      ),
    },
    keepalive: 'integer',
    zombies: 'integer',
    zone: 'string',
  },
  { queue, ...STALE },
);

const streamUpstream = object(
  {
    peers: {
      array: object(
        { ...peer, state: { enum: streamStates }, connections: 'integer' },
        { ...momentary, connect_time: 'integer', first_byte_time: 'integer', response_time: 'integer' },
      ),
    },
    zombies: 'integer',
    zone: 'string',
  },
  STALE,
);

/** Answers by name. */
export const SHAPES = {
  names: { array: 'string' },
  versions: { array: 'integer' },
  nginx: object({
    version: 'string',
    build: 'string',
    address: 'string',
    generation: 'integer',
    load_timestamp: 'date-time',
    timestamp: 'date-time',
    pid: 'integer',
    ppid: 'integer',
  }),
  processes: object({ respawned: 'integer' }),
  /** `path` and `method` are those of versions before 4. */
  error: object(
    {
      error: object({ status: 'integer', text: 'string', code: 'string' }),
      request_id: 'string',
      href: 'string',
    },
    { path: 'string', method: 'string' },
  ),
  http: {
    server: object({ ...configured, route: 'string' }, { drain: 'boolean' }),
    upstream: httpUpstream,
  },
  stream: { server: object(configured), upstream: streamUpstream },
  worker: object(
    { id: 'integer', pid: 'integer' },
    {
      connections: object({ accepted: 'integer', dropped: 'integer', active: 'integer', idle: 'integer' }),
      http: object({}, { requests: object({}, { total: 'integer', current: 'integer' }) }),
    },
  ),
  ssl,
  slab: object({ pages: object({ used: 'integer', free: 'integer' }) }, { slots: { map: slot } }),
  zones: {
    'http/server_zones': object(
      { requests: 'integer', responses, discarded: 'integer', received: 'integer', sent: 'integer' },
      { processing: 'integer', ssl },
    ),
    'http/location_zones': object({
      requests: 'integer',
      responses,
      discarded: 'integer',
      received: 'integer',
      sent: 'integer',
    }),
    'http/limit_reqs': object({
      passed: 'integer',
      delayed: 'integer',
      rejected: 'integer',
      delayed_dry_run: 'integer',
      rejected_dry_run: 'integer',
    }),
    'http/limit_conns': limitConns,
    'http/caches': object(
      Object.fromEntries(
        ['hit', 'stale', 'updating', 'revalidated', 'miss', 'expired', 'bypass'].map((name) => [
          name,
          cached,
        ]),
      ),
      { size: 'integer', max_size: 'integer', cold: 'boolean' },
    ),
    'stream/server_zones': object(
      {
        connections: 'integer',
        sessions: object({ '2xx': 'integer', '4xx': 'integer', '5xx': 'integer', total: 'integer' }),
        discarded: 'integer',
        received: 'integer',
        sent: 'integer',
      },
      { processing: 'integer', ssl },
    ),
    'stream/limit_conns': limitConns,
  } as Readonly<Record<string, Shape>>,
  connections: object({ accepted: 'integer', dropped: 'integer', active: 'integer', idle: 'integer' }),
  requests: object({ total: 'integer', current: 'integer' }),
  /** What is not configured: no zone, no cache, no figure. */
  nothing: object({}),
  pairs: { map: 'string' },
} as const satisfies Record<string, Shape | Readonly<Record<string, Shape>>>;

function primitive(value: unknown, shape: 'integer' | 'string' | 'boolean' | 'date-time'): boolean {
  if (shape === 'integer') return Number.isSafeInteger(value) && (value as number) >= 0;
  if (shape === 'date-time')
    return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
  return typeof value === shape;
}

/** What is wrong with a value, as `path: problem`; empty when it has the shape. */
export function check(value: unknown, shape: Shape, path = '$'): string[] {
  if (typeof shape === 'string')
    return primitive(value, shape) ? [] : [`${path}: ${JSON.stringify(value)} is no ${shape}`];
  if ('enum' in shape)
    return shape.enum.includes(value as string) ? [] : [`${path}: ${JSON.stringify(value)} is no state`];
  if ('array' in shape) {
    if (!Array.isArray(value)) return [`${path}: no array`];
    return value.flatMap((item, i) => check(item, shape.array, `${path}[${i}]`));
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [`${path}: no object`];
  const fields = Object.entries(value);
  if ('map' in shape) return fields.flatMap(([key, item]) => check(item, shape.map, `${path}.${key}`));
  const missing = shape.required.filter((name) => !(name in value)).map((name) => `${path}.${name}: missing`);
  return [
    ...missing,
    ...fields.flatMap(([key, item]) => {
      const field = shape.object[key];
      return field === undefined ? [`${path}.${key}: unknown`] : check(item, field, `${path}.${key}`);
    }),
  ];
}
