/** The counters of zones, limits, caches and workers, through requests: zones.ts, process-info.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as traffic from '../../../../src/gateway/balance/traffic-counters.js';
import { Api } from '../support/api.js';

let api: Api;

beforeEach(() => {
  api = new Api();
});

const call: Api['call'] = (...request) => api.call(...request);

describe('the API of statistics', () => {
  const zone = (kind: traffic.ZoneKind, name: string) =>
    traffic.zonePrefix(api.nginx.tables, api.nginx.counters, kind, name);
  const DONE = { status: 200, received: 10, sent: 20, answered: true };

  it('shows the counters of a server zone until they are reset', () => {
    api.nginx.workers = [10, 11, 12];
    const begin = zone('server_zones', 'firmware');
    traffic.countExchange(api.nginx.counters, begin, DONE);
    traffic.countExchange(api.nginx.counters, begin, { ...DONE, status: 404 });
    traffic.countExchange(api.nginx.counters, begin, { ...DONE, status: 499, sent: 0, answered: false });
    traffic.countHandshake(api.nginx.counters, begin, true);
    api.nginx.counters.incr(traffic.openCounter(begin, 11), 2);
    api.nginx.counters.incr(traffic.openCounter(begin, 99), 5);
    const classes = { '1xx': 0, '2xx': 1, '3xx': 0, '4xx': 1, '5xx': 0 };
    const shown = {
      processing: 2,
      requests: 3,
      responses: { ...classes, codes: { 200: 1, 404: 1 }, total: 2 },
      discarded: 1,
      received: 30,
      sent: 40,
      ssl: { handshakes: 1, session_reuses: 1 },
    };
    expect(call('GET', '/api/9/http/server_zones')).toEqual({ status: 200, body: { firmware: shown } });
    expect(call('GET', '/api/9/http/server_zones/firmware').body).toEqual(shown);
    expect(call('GET', '/api/7/http/server_zones/firmware').body).not.toHaveProperty('ssl');
    expect(call('GET', '/api/6/http/server_zones/firmware?fields=responses').body).toEqual({
      responses: { ...classes, total: 2 },
    });
    expect(call('DELETE', '/api/9/http/server_zones/firmware')).toEqual({ status: 204, body: undefined });
    expect(call('GET', '/api/9/http/server_zones/firmware').body).toMatchObject({
      processing: 2,
      requests: 0,
      responses: { codes: {}, total: 0 },
      received: 0,
      ssl: { handshakes: 0, session_reuses: 0 },
    });
  });

  it('shows the decisions of limits and caches', () => {
    for (const decided of ['PASSED', 'DELAYED', 'REJECTED_DRY_RUN', '', undefined])
      traffic.countDecision(api.nginx.counters, zone('limit_reqs', 'one'), decided);
    for (const decided of ['PASSED', 'REJECTED'])
      traffic.countDecision(api.nginx.counters, zone('limit_conns', 'addr'), decided);
    api.nginx.counters.incr(
      `${traffic.countDecision(api.nginx.counters, zone('caches', 'files'), 'HIT')}_bytes`,
      300,
    );
    expect(call('GET', '/api/9/http/limit_reqs').body).toEqual({
      one: { passed: 1, delayed: 1, rejected: 0, delayed_dry_run: 0, rejected_dry_run: 1 },
    });
    expect(call('GET', '/api/9/http/limit_conns').body).toEqual({
      addr: { passed: 1, rejected: 1, rejected_dry_run: 0 },
    });
    expect(call('GET', '/api/9/http/caches/files').body).toMatchObject({
      hit: { responses: 1, bytes: 300 },
      miss: { responses: 0, bytes: 0 },
    });
    for (const path of ['limit_reqs/one', 'limit_conns/addr', 'caches/files'])
      expect(call('DELETE', `/api/9/http/${path}`).status).toBe(204);
    expect(call('GET', '/api/9/http/caches/files').body).toMatchObject({ hit: { responses: 0, bytes: 0 } });
  });

  it('counts no names that the log cannot contain, and a limited number of names', () => {
    expect(zone('server_zones', 'a b')).toBe('');
    expect(zone('server_zones', 'x'.repeat(65))).toBe('');
    for (let i = 0; i < 1000; i++) zone('server_zones', `host-${i}`);
    expect(Object.keys(call('GET', '/api/9/http/server_zones').body as object)).toHaveLength(256);
  });

  it('begins again for the totals of this NGINX after a reset', () => {
    for (const path of ['/connections', '/http/requests', '/ssl', '/workers', '/workers/1', '/processes'])
      expect(call('DELETE', `/api/9${path}`), path).toEqual({ status: 204, body: undefined });
    expect(call('GET', '/api/9/connections').body).toEqual({ accepted: 0, dropped: 0, active: 2, idle: 5 });
    expect(call('GET', '/api/9/http/requests').body).toEqual({ total: 0, current: 2 });
  });

  it('shows a worker by its number, whichever process has it', () => {
    api.nginx.counters.set(traffic.workerSlot(0), 12);
    api.nginx.counters.set(traffic.workerSlot(1), 11);
    api.nginx.counters.incr(traffic.workerRequests(1), 7);
    expect(call('GET', '/api/9/workers').body).toEqual([
      { id: 0, pid: 12, http: { requests: { total: 0 } } },
      { id: 1, pid: 11, http: { requests: { total: 7 } } },
    ]);
    api.nginx.counters.set(traffic.workerSlot(1), 10);
    expect(call('GET', '/api/9/workers/1').body).toMatchObject({ id: 1, pid: 11 });
    expect(call('DELETE', '/api/9/workers/1').status).toBe(204);
    expect(call('GET', '/api/9/workers/1').body).toMatchObject({ http: { requests: { total: 0 } } });
  });

  it('needs write access for a reset', () => {
    api.write = false;
    for (const path of ['/connections', '/http/requests', '/ssl', '/workers', '/slabs/http_tables'])
      expect(call('DELETE', `/api/9${path}`)).toMatchObject({ status: 405 });
  });
});
