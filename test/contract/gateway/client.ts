/** A client of the API that checks every answer against its published shape. */
import { expect } from 'vitest';
import { API_TOKEN } from '../../support/containers/index.js';
import { check, SHAPES, type Shape } from './schema.js';

export type Kind = 'http' | 'stream';

/** A status and a body, already checked. */
interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: checked against the shape of its path before anyone sees it.
  body: any;
}

/** Paths of one shape; other paths that are neither groups nor zones are empty. */
const FIXED: Readonly<Record<string, Shape>> = {
  '': SHAPES.names,
  nginx: SHAPES.nginx,
  processes: SHAPES.processes,
  connections: SHAPES.connections,
  ssl: SHAPES.ssl,
  slabs: { map: SHAPES.slab },
  resolvers: { map: SHAPES.nothing },
  workers: { array: SHAPES.worker },
  http: SHAPES.names,
  stream: SHAPES.names,
  'http/requests': SHAPES.requests,
};

function upstreamShape(kind: Kind, [name, servers, id]: string[], method: string): Shape {
  const shapes = SHAPES[kind];
  if (name === undefined) return { map: shapes.upstream };
  if (servers === undefined) return shapes.upstream;
  const one = method === 'POST' || (id !== undefined && method !== 'DELETE');
  return one ? shapes.server : { array: shapes.server };
}

/** The shape of a successful answer to a path behind `/api/N`. */
function shapeOf(path: string, method: string): Shape {
  const segments = path.replace(/\?.*/, '').split('/').filter(Boolean);
  const [kind, section, ...rest] = segments;
  if (section === 'upstreams') return upstreamShape(kind as Kind, rest, method);
  if (section === 'keyvals') return rest.length === 0 ? { map: SHAPES.pairs } : SHAPES.pairs;
  const zones = SHAPES.zones[`${kind}/${section}`];
  if (zones) return rest.length === 0 ? { map: zones } : zones;
  if (kind === 'workers' && section !== undefined) return SHAPES.worker;
  if (kind === 'slabs' && section !== undefined) return SHAPES.slab;
  return FIXED[segments.join('/')] ?? SHAPES.nothing;
}

export class ApiClient {
  constructor(
    /** `http://host:port/api`. */
    readonly base: string,
    readonly version = 9,
  ) {}

  /** Sends a request; `body` goes as JSON unless it is a string. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.base}/${this.version}${path}`, {
      method,
      headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const answer = { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    if (text !== '') expect(response.headers.get('content-type')).toBe('application/json');
    const shape = response.ok ? shapeOf(path, method) : SHAPES.error;
    if (answer.body !== undefined)
      expect(check(answer.body, shape), `${method} ${path}: ${text}`).toEqual([]);
    else expect([201, 204]).toContain(answer.status);
    if (!response.ok) expect(answer.body.request_id).toMatch(/^[0-9a-f]{32}$/);
    return answer;
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  /** Removes all servers of a group. */
  async clear(kind: Kind, upstream: string): Promise<void> {
    const base = `/${kind}/upstreams/${upstream}/servers`;
    for (const { id } of (await this.get(base)).body) await this.call('DELETE', `${base}/${id}`);
  }
}
