import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { NginxError } from '../../../../src/core/errors.js';
import type { UpstreamRef } from '../../../../src/core/upstream.js';
import { TrafficMonitor } from '../../../../src/daemon/watcher/traffic.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, STREAM } from '../../../support/watching.js';

/** An NGINX that counts, and a clock that a test moves. */
class Counted {
  readonly nginx = new FakeNginx({ name: 'lb', http: [HTTP.name], stream: [STREAM.name] });
  now = 1_000;
  readonly monitor = new TrafficMonitor([this.nginx], () => this.now);

  /** What NGINX has counted for a server, which is added where it is not there. */
  count(address: Address, counters: { active?: number; total?: number }): void {
    if (!this.nginx.find(HTTP, address)) this.nginx.place(HTTP, address);
    this.nginx.set(HTTP, address, counters);
  }

  /** The groups that were read. */
  get asked(): (string | undefined)[] {
    return this.nginx.calls.map(({ ref }) => ref?.name);
  }

  /** Somebody looks after so many ms. */
  async look(ms: number, servers = 2, refs: readonly UpstreamRef[] = [HTTP]): Promise<void> {
    this.now += ms;
    const upstreams = refs.map((ref) => ({ ...ref, servers }));
    this.monitor.refresh('lb', upstreams, new AbortController().signal);
    await this.monitor.settled();
  }
}

describe('the traffic of an upstream', () => {
  it('is what NGINX has open, and what its counters gained since they were read before', async () => {
    const lb = new Counted();
    lb.count(host(1), { active: 2, total: 100 });
    lb.count(host(2), { active: 1, total: 50 });
    await lb.look(0);
    expect(lb.monitor.of('lb', HTTP)?.total).toEqual({ active: 3 });
    lb.count(host(1), { active: 4, total: 130 });
    lb.count(host(2), { active: 0, total: 51 });
    await lb.look(3_000);
    expect(lb.monitor.of('lb', HTTP)).toEqual({
      total: { active: 4, rate: 10.3 },
      servers: new Map([
        [host(1), { active: 4, rate: 10 }],
        [host(2), { active: 0, rate: 0.3 }],
      ]),
    });
  });

  it('has no rate for a server that is new, nor where a counter has begun anew', async () => {
    const lb = new Counted();
    lb.count(host(1), { total: 100 });
    await lb.look(0);
    lb.count(host(1), { total: 3 });
    lb.count(host(2), { total: 7 });
    await lb.look(3_000);
    expect(lb.monitor.of('lb', HTTP)).toEqual({
      total: { active: 0 },
      servers: new Map([
        [host(1), { active: 0 }],
        [host(2), { active: 0 }],
      ]),
    });
  });

  it('has no rate over a time in which nobody looked', async () => {
    const lb = new Counted();
    lb.count(host(1), { total: 100 });
    await lb.look(0);
    lb.count(host(1), { total: 1_000 });
    await lb.look(600_000);
    expect(lb.monitor.of('lb', HTTP)?.total.rate).toBeUndefined();
  });

  it('is read no more often than every two seconds, and a large group less often', async () => {
    const small = new Counted();
    for (let i = 0; i < 10; i++) await small.look(1_000, 2);
    expect(small.asked).toHaveLength(4);
    const large = new Counted();
    for (let i = 0; i < 64; i++) await large.look(1_000, 10_000);
    expect(large.asked).toHaveLength(2);
  });

  it('is not known where NGINX does not tell it, and of groups that nobody asks for any more', async () => {
    const lb = new Counted();
    lb.count(host(1), { active: 1 });
    await lb.look(0, 2, [HTTP, STREAM]);
    expect(lb.asked).toEqual(['firmware', 'mqtt']);
    await lb.look(3_000, 2, [HTTP]);
    expect(lb.monitor.of('lb', STREAM)).toBeUndefined();
    lb.nginx.fault = () => ({ before: new NginxError('UNREACHABLE', 'down') });
    await lb.look(3_000);
    expect(lb.monitor.of('lb', HTTP)).toBeUndefined();
  });

  it('is asked for once at a time, and not of an NGINX that is not known', () => {
    const lb = new Counted();
    const { signal } = new AbortController();
    lb.monitor.refresh('lb', [{ ...HTTP, servers: 1 }], signal);
    lb.now += 10_000;
    lb.monitor.refresh('lb', [{ ...HTTP, servers: 1 }], signal);
    lb.monitor.refresh('other', [{ ...HTTP, servers: 1 }], signal);
    expect(lb.asked).toHaveLength(1);
  });
});
