/** Peers and groups are tested through the API, in upstreams.test.ts. */
import { describe, expect, it } from 'vitest';
import * as upstreamBody from '../../../../src/gateway/api/upstream-body.js';
import * as server from '../../../../src/gateway/model/server.js';
import { FakeNginx } from '../support/memory.js';

function shown(kind: server.Kind, body: object, version = 9): string {
  const parameters = server.checkNew(body, kind);
  return JSON.stringify(upstreamBody.serverBody(new FakeNginx({}, kind).worker(), 3, parameters, version));
}

describe('a server', () => {
  it('has every default, in the order of NGINX Plus', () => {
    expect(shown('http', { server: '172.17.0.3' })).toBe(
      '{"id":3,"server":"172.17.0.3:80","weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s","slow_start":"0s","route":"","backup":false,"down":false}',
    );
    expect(shown('stream', { server: '1.2.3.4:1883' })).toBe(
      '{"id":3,"server":"1.2.3.4:1883","weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s","slow_start":"0s","backup":false,"down":false}',
    );
  });

  it('has drain only when it is on and the version supports it, at the end', () => {
    expect(shown('http', { server: '1.2.3.4', drain: true })).toMatch(/"down":false,"drain":true}$/);
    expect(shown('http', { server: '1.2.3.4', drain: true }, 1)).not.toContain('drain');
    expect(shown('http', { server: '1.2.3.4', drain: false })).not.toContain('drain');
  });
});
