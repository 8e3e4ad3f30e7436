import { describe, expect, it } from 'vitest';
import * as server from '../../../../src/gateway/model/server.js';

function code(action: () => unknown): unknown {
  try {
    action();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}

describe('a new server', () => {
  it('accepts booleans and numbers written as strings', () => {
    expect(
      server.checkNew(
        { server: '1.2.3.4', down: 'true', backup: 'false', weight: '7', max_conns: '9' },
        'http',
      ),
    ).toEqual({ server: '1.2.3.4:80', down: true, backup: false, weight: 7, max_conns: 9 });
  });

  it('accepts booleans as such', () => {
    const body = { server: '1.2.3.4', down: true, backup: false, drain: false };
    expect(server.checkNew(body, 'http')).toEqual({ server: '1.2.3.4:80', down: true, backup: false });
    expect(server.checkNew({ server: '1.2.3.4', drain: true }, 'http')).toMatchObject({ drain: true });
  });

  it('accepts the least and the most of each number and time, and the longest route', () => {
    const least = { weight: 1, max_conns: 0, max_fails: 0, fail_timeout: '0s', slow_start: '0s' };
    const most = {
      weight: 65_535,
      max_conns: 4_294_967_295,
      max_fails: 4_294_967_295,
      fail_timeout: '2147483647s',
      slow_start: '2147483647s',
      route: 'r'.repeat(32),
    };
    for (const all of [least, most]) expect(server.check(all, 'http')).toEqual(all);
  });

  it('reads a bare number of seconds as a time', () => {
    expect(server.checkNew({ server: '1.2.3.4', fail_timeout: 5 }, 'http').fail_timeout).toBe('5s');
  });

  it.each([
    [{}, 'UpstreamConfFormatError', 'missing "server" argument'],
    [[], 'UpstreamConfFormatError', 'invalid server object'],
    [null, 'UpstreamConfFormatError', 'invalid server object'],
    ['x', 'UpstreamConfFormatError', 'invalid server object'],
    [{ server: '' }, 'UpstreamConfFormatError', 'invalid "server" value'],
    [{ server: 5 }, 'UpstreamConfFormatError', 'invalid "server" value'],
    [{ server: '1.2.3.4', id: 1 }, 'UpstreamConfFormatError', 'unknown parameter "id"'],
    [{ server: '1.2.3.4', constructor: 1 }, 'UpstreamConfFormatError', 'unknown parameter "constructor"'],
    [{ server: '1.2.3.4', weight: [1] }, 'UpstreamConfFormatError', 'nested object or list'],
    [{ server: '1.2.3.4', down: 1 }, 'UpstreamConfFormatError', 'invalid "down" value'],
    [{ server: '1.2.3.4', backup: 1 }, 'UpstreamConfFormatError', 'invalid "backup" value'],
    [{ server: '1.2.3.4', drain: 1 }, 'UpstreamConfFormatError', 'invalid "drain" value'],
    [{ server: '1.2.3.4', route: 1 }, 'UpstreamConfFormatError', 'invalid "route" value'],
    [{ server: 'r'.repeat(301) }, 'UpstreamConfFormatError', 'too long "server" value'],
    [{ server: 'r'.repeat(300) }, 'UpstreamBadAddress', `invalid host while parsing "${'r'.repeat(300)}"`],
    [{ server: '1.2.3.4', weight: 65_536 }, 'UpstreamBadWeight', 'invalid "weight" value'],
    [{ server: '1.2.3.4', weight: true }, 'UpstreamBadWeight', 'invalid "weight" value'],
    [{ server: '1.2.3.4', max_conns: 4_294_967_296 }, 'UpstreamBadMaxConns', 'invalid "max_conns" value'],
    [
      { server: '1.2.3.4', fail_timeout: '2147483648s' },
      'UpstreamBadFailTimeout',
      'invalid "fail_timeout" value',
    ],
    [{ server: '1.2.3.4:99999' }, 'UpstreamBadAddress', 'invalid port while parsing "1.2.3.4:99999"'],
    [{ server: '1.2.3.999' }, 'UpstreamBadAddress', 'invalid host while parsing "1.2.3.999"'],
    [{ server: 'a.example' }, 'UpstreamConfNoResolver', 'no resolver defined to resolve "a.example"'],
    [{ server: '1.2.3.4', weight: 0 }, 'UpstreamBadWeight', 'invalid "weight" value'],
    [{ server: '1.2.3.4', weight: -1 }, 'UpstreamBadWeight', 'invalid "weight" value'],
    [{ server: '1.2.3.4', weight: 1.5 }, 'UpstreamBadWeight', 'invalid "weight" value'],
    [{ server: '1.2.3.4', weight: null }, 'UpstreamBadWeight', 'invalid "weight" value'],
    [{ server: '1.2.3.4', max_conns: -1 }, 'UpstreamBadMaxConns', 'invalid "max_conns" value'],
    [{ server: '1.2.3.4', max_fails: 'x' }, 'UpstreamBadMaxFails', 'invalid "max_fails" value'],
    [{ server: '1.2.3.4', fail_timeout: 'soon' }, 'UpstreamBadFailTimeout', 'invalid "fail_timeout" value'],
    [{ server: '1.2.3.4', slow_start: true }, 'UpstreamBadSlowStart', 'invalid "slow_start" value'],
    [{ server: '1.2.3.4', route: 'r'.repeat(33) }, 'UpstreamBadRoute', 'route is too long'],
    [
      { server: '1.2.3.4', service: 'http' },
      'UpstreamConfNoResolver',
      'no resolver defined to resolve a service',
    ],
  ])('refuses %j with %s', (body, expected, text) => {
    expect(code(() => server.checkNew(body, 'http'))).toEqual({ code: expected, text });
  });

  it.each(['route', 'drain'])('has no %s in stream', (name) => {
    expect(code(() => server.checkNew({ server: '1.2.3.4:1', [name]: 'true' }, 'stream'))).toMatchObject({
      code: 'UpstreamConfFormatError',
      text: `unknown parameter "${name}"`,
    });
  });

  it('needs a port in stream', () => {
    expect(code(() => server.checkNew({ server: '1.2.3.4' }, 'stream'))).toMatchObject({
      code: 'UpstreamBadAddress',
      text: 'no port in upstream "1.2.3.4"',
    });
  });
});

describe('a change', () => {
  const old = { server: '1.2.3.4:80', weight: 5 };

  it('keeps what it does not name', () => {
    expect(server.patch(0, old, { max_conns: 3 })).toEqual({ server: '1.2.3.4:80', weight: 5, max_conns: 3 });
    expect(old).toEqual({ server: '1.2.3.4:80', weight: 5 });
  });

  it('accepts the same address and backup, and refuses others', () => {
    expect(server.patch(0, old, { server: '1.2.3.4:80', backup: false })).toMatchObject({ weight: 5 });
    expect(code(() => server.patch(7, old, { server: '1.2.3.5:80' }))).toEqual({
      code: 'UpstreamServerImmutable',
      text: 'server "7" address is immutable',
    });
    const other = { code: 'UpstreamConfFormatError', text: 'invalid "backup" value' };
    expect(code(() => server.patch(0, old, { backup: true }))).toEqual(other);
    const backup = { ...old, backup: true };
    expect(server.patch(0, backup, { backup: true })).toEqual(backup);
    expect(code(() => server.patch(0, backup, { backup: false }))).toEqual(other);
  });

  it('makes down and drain exclude each other', () => {
    const draining = server.patch(0, old, { drain: true });
    expect(draining).toMatchObject({ drain: true, down: false });
    expect(server.patch(0, old, { drain: true, down: true })).toEqual(draining);
    expect(server.patch(0, draining, { down: true })).not.toHaveProperty('drain');
    expect(server.patch(0, draining, { down: false })).not.toHaveProperty('drain');
    expect(server.patch(0, draining, { drain: false })).not.toHaveProperty('drain');
    expect(server.patch(0, draining, { weight: 2 })).toHaveProperty('drain', true);
  });
});
