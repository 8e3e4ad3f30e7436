/** The pairs of keyval zones, through requests. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Api, error } from '../support/api.js';
import { FakeNginx } from '../support/memory.js';

let api: Api;

beforeEach(() => {
  api = new Api();
});

const call: Api['call'] = (...request) => api.call(...request);

describe('the API of keyvals', () => {
  const plain = '/api/9/http/keyvals/plain';
  const timed = '/api/9/http/keyvals/timed';

  it('adds, reads, changes and deletes a pair', () => {
    expect(call('POST', plain, { a: 'x', b: 2 })).toEqual({ status: 201, body: undefined });
    expect(call('GET', plain)).toEqual({ status: 200, body: { a: 'x', b: '2' } });
    expect(call('GET', '/api/9/http/keyvals')).toEqual({
      status: 200,
      body: { plain: { a: 'x', b: '2' }, timed: {} },
    });
    expect(call('GET', `${plain}?key=b`)).toEqual({ status: 200, body: { b: '2' } });
    expect(call('PATCH', plain, { a: 'y' })).toEqual({ status: 204, body: undefined });
    expect(call('PATCH', plain, { b: null })).toEqual({ status: 204, body: undefined });
    expect(call('GET', plain)).toEqual({ status: 200, body: { a: 'y' } });
    expect(call('DELETE', plain)).toEqual({ status: 204, body: undefined });
    expect(call('GET', plain)).toEqual({ status: 200, body: {} });
  });

  it.each([
    ['GET', '/api/9/http/keyvals/nonesuch', '', 404, 'KeyvalNotFound', 'keyval not found'],
    ['GET', `${plain}?key=zz`, '', 404, 'KeyvalKeyNotFound', 'key "zz" not found'],
    ['GET', `${plain}?key=constructor`, '', 404, 'KeyvalKeyNotFound', 'key "constructor" not found'],
    ['POST', plain, '{', 415, 'JsonError', 'json error'],
    ['POST', plain, '[]', 400, 'KeyvalFormatError', 'invalid JSON'],
    ['POST', plain, '{}', 400, 'KeyvalFormatError', 'key required'],
    ['POST', plain, '{"":"x"}', 400, 'KeyvalFormatError', 'key required'],
    ['POST', plain, '{"k":["x"]}', 400, 'KeyvalFormatError', 'invalid key format'],
    ['POST', plain, '{"k":null}', 400, 'KeyvalFormatError', 'invalid key format'],
    [
      'POST',
      plain,
      '{"k":{"value":"x","expire":5}}',
      400,
      'KeyvalFormatError',
      'keyval timeout is not enabled',
    ],
    [
      'POST',
      timed,
      '{"k":{"value":"x","expire":"soon"}}',
      400,
      'KeyvalFormatError',
      'invalid "expire" value',
    ],
    ['POST', plain, '{"a":"again"}', 409, 'KeyvalKeyExists', 'key "a" already exists'],
    ['POST', plain, '{"c":"1","d":"2"}', 400, 'KeyvalFormatError', 'only one key can be added'],
    ['PATCH', plain, '{"c":"1","d":"2"}', 400, 'KeyvalFormatError', 'only one key can be updated'],
    ['PATCH', plain, '{"c":"1"}', 404, 'KeyvalKeyNotFound', 'key "c" not found'],
  ])('answers %s %s %s with %i', (method, path, body, status, code, text) => {
    call('POST', plain, { a: 'x' });
    expect(call(method, path, body)).toEqual(error(status, code, text));
    expect(call('GET', plain).body).toEqual({ a: 'x' });
  });

  it('accepts any key', () => {
    for (const key of ['constructor', 'toString', 'a b', 'ä/ö?', ' lead', 'a:b']) {
      expect(call('POST', plain, { [key]: key })).toMatchObject({ status: 201 });
      expect(call('GET', `${plain}?key=${encodeURIComponent(key)}`)).toEqual({
        status: 200,
        body: { [key]: key },
      });
    }
  });

  it('removes a pair after its own expire, or the timeout of the zone', () => {
    call('POST', timed, { own: { value: 'x', expire: 5000 } });
    call('POST', timed, { zone: 'y' });
    api.nginx.pass(4999);
    expect(call('GET', timed).body).toEqual({ own: 'x', zone: 'y' });
    api.nginx.pass(1);
    expect(call('GET', timed).body).toEqual({ zone: 'y' });
    expect(call('GET', `${timed}?key=own`).status).toBe(404);
    expect(call('POST', timed, { own: 'again' }).status).toBe(201);
    api.nginx.pass(55_000);
    expect(call('GET', timed).body).toEqual({ own: 'again' });
    call('PATCH', timed, { own: { expire: 1_000_000 } });
    api.nginx.pass(900_000);
    expect(call('GET', timed).body).toEqual({ own: 'again' });
  });

  it('frees the memory of expired pairs once the zone has changed', () => {
    for (let i = 0; i < 5; i++) call('POST', timed, { [`key-${i}`]: { value: 'x', expire: 10 } });
    api.nginx.pass(10);
    call('POST', timed, { fresh: 'y' });
    expect([...api.nginx.keyvals.entries.keys()].filter((key) => key.startsWith('timed '))).toEqual([
      'timed fresh',
    ]);
  });

  it('keeps pairs over a restart, except the expired ones', () => {
    call('POST', plain, { a: 'ä "quoted" \n' });
    call('POST', timed, { short: { value: 'x', expire: 10 } });
    call('POST', timed, { long: 'y' });
    api.nginx.settle();
    api.nginx = api.nginx.restarted();
    api.nginx.pass(11);
    expect(call('GET', '/api/9/http/keyvals').body).toEqual({
      plain: { a: 'ä "quoted" \n' },
      timed: { long: 'y' },
    });
  });

  it('begins with no pairs, and a warning, when their state is invalid', () => {
    api.nginx.files.set('keyval.plain', '{"a":');
    expect(call('GET', plain)).toEqual({ status: 200, body: {} });
    expect(api.nginx.warnings).toHaveLength(1);
    expect(call('POST', plain, { a: 'x' }).status).toBe(201);
    api.nginx.settle();
    api.nginx = api.nginx.restarted();
    expect(call('GET', plain).body).toEqual({ a: 'x' });
  });

  it('separates zones whose names begin alike', () => {
    api.nginx = new FakeNginx({ keyvals: { ota: {}, 'ota-2': {} } });
    call('POST', '/api/9/http/keyvals/ota', { a: '1' });
    call('POST', '/api/9/http/keyvals/ota-2', { b: '2' });
    call('DELETE', '/api/9/http/keyvals/ota');
    expect(call('GET', '/api/9/http/keyvals').body).toEqual({ ota: {}, 'ota-2': { b: '2' } });
  });
});

it('a body of keys without end is refused, and so is a key without end', () => {
  const keys = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, 'x']));
  expect(call('POST', '/api/9/http/keyvals/plain', keys(1001))).toMatchObject({
    status: 413,
    body: { error: { code: 'RequestEntityTooLarge' } },
  });
  expect(call('POST', '/api/9/http/keyvals/plain', { ['k'.repeat(1025)]: 'x' })).toMatchObject({
    status: 400,
    body: { error: { text: 'too long key' } },
  });
  expect(call('GET', '/api/9/http/keyvals/plain').body).toEqual({});
  expect(call('POST', '/api/9/http/keyvals/plain', keys(1000)).status).toBe(201);
});
