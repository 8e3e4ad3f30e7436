/** The servers of groups, through requests. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Api, error } from '../support/api.js';
import { FakeNginx } from '../support/memory.js';

let api: Api;

beforeEach(() => {
  api = new Api();
});

const call: Api['call'] = (...request) => api.call(...request);

describe('the API of servers', () => {
  const base = '/api/9/http/upstreams/firmware/servers';
  const shown = {
    id: 0,
    server: '10.0.0.1:80',
    weight: 1,
    max_conns: 0,
    max_fails: 1,
    fail_timeout: '10s',
    slow_start: '0s',
    route: '',
    backup: false,
    down: false,
  };

  it('adds, reads, changes and removes a server', () => {
    expect(call('POST', `${base}/`, { server: '10.0.0.1' })).toEqual({ status: 201, body: shown });
    expect(call('GET', `${base}/0`)).toEqual({ status: 200, body: shown });
    expect(call('PATCH', `${base}/0`, { drain: true })).toEqual({
      status: 200,
      body: { ...shown, drain: true },
    });
    expect(call('PATCH', `${base}/0`, { down: 'false' })).toEqual({ status: 200, body: shown });
    call('POST', base, { server: '10.0.0.2', weight: 9 });
    expect(call('DELETE', `${base}/0`)).toMatchObject({ status: 200, body: [{ id: 1, weight: 9 }] });
    expect(call('DELETE', `${base}/1`)).toEqual({ status: 200, body: [] });
  });

  it('checks the body before the group, and JSON before the body', () => {
    const nowhere = '/api/9/http/upstreams/nonesuch/servers';
    expect(call('POST', nowhere, '{')).toEqual(error(415, 'JsonError', 'json error'));
    expect(call('POST', nowhere, { weight: 0, server: '1.2.3.4' })).toMatchObject({ status: 400 });
    expect(call('POST', nowhere, { server: '1.2.3.4' })).toEqual(
      error(404, 'UpstreamNotFound', 'upstream not found'),
    );
  });

  it('accepts only numbers as ids', () => {
    for (const id of ['x', '-1', '1.5', '99999999999'])
      expect(call('GET', `${base}/${id}`)).toEqual(error(400, 'UpstreamBadServerId', 'invalid server ID'));
    expect(call('GET', `${base}/7`)).toEqual(
      error(404, 'UpstreamServerNotFound', 'server with ID "7" does not exist'),
    );
  });

  it('resets the statistics of the servers of a group by DELETE', () => {
    call('POST', base, { server: '10.0.0.1' });
    api.nginx.counters.incr('1/sent', 100);
    expect(call('DELETE', '/api/9/http/upstreams/firmware')).toEqual({ status: 204, body: undefined });
    expect(call('GET', '/api/9/http/upstreams/firmware')).toMatchObject({ body: { peers: [{ sent: 0 }] } });
  });

  it('accepts changes while the disk is full, and the group reports that until its state is written again', () => {
    // Regression: POST, PATCH and DELETE answered 500, so that a server that had died could not be taken out.
    const group = '/api/9/http/upstreams/firmware';
    api.nginx.diskError = new Error('ENOSPC');
    expect(call('POST', base, { server: '10.0.0.1' })).toMatchObject({ status: 201 });
    expect(call('PATCH', `${base}/0`, { drain: true })).toMatchObject({ status: 200 });
    expect(call('DELETE', `${base}/0`)).toEqual({ status: 200, body: [] });
    expect(call('GET', group)).toMatchObject({ body: { state: 'stale' } });
    api.nginx.diskError = undefined;
    api.nginx.settle();
    expect(call('GET', group).body).not.toHaveProperty('state');
  });
});

it('a group with a hash method accepts no backup, as in NGINX', () => {
  api.nginx = new FakeNginx({ upstreams: { firmware: { method: 'hash' } } });
  const servers = '/api/9/http/upstreams/firmware/servers';
  expect(call('POST', servers, { server: '10.0.0.1', backup: true })).toMatchObject({
    status: 400,
    body: { error: { code: 'UpstreamNoBackup' } },
  });
  expect(call('POST', servers, { server: '10.0.0.1', backup: false }).status).toBe(201);
});

it.each([
  ['15', '15s'],
  [15, '15s'],
  ['1m30s', '90s'],
  ['1500ms', '1500ms'],
  ['2000ms', '2s'],
])('the time %j is shown as %s', (fail_timeout, shown) => {
  const body = { server: '10.0.0.1', fail_timeout };
  expect(call('POST', '/api/9/http/upstreams/firmware/servers', body).body).toMatchObject({
    fail_timeout: shown,
  });
});

it.each([
  ['server', 'a.'.repeat(100_000)],
  ['server', '1'.repeat(400)],
  ['weight', '1'.repeat(400)],
  ['max_conns', Number.MAX_VALUE],
  ['fail_timeout', '1'.repeat(400)],
  ['fail_timeout', `${'1'.repeat(40)}x`],
  ['slow_start', '9'.repeat(12)],
  ['route', 'x'.repeat(100_000)],
  ['x'.repeat(100_000), 1],
])('a body with %.20s of any length is refused at once, in a short answer', (name, value) => {
  const answer = call('POST', '/api/9/http/upstreams/firmware/servers', {
    server: '10.0.0.1',
    [name]: value,
  });
  expect(answer.status).toBe(400);
  expect(JSON.stringify(answer.body).length).toBeLessThan(1000);
});
