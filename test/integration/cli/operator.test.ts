import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Backend, type Etcd, type Gateway, until } from '../../support/containers/index.js';
import { run, start } from './cli.js';
import { Lab } from './lab.js';

let lab: Lab;
let etcd: Etcd;
let gateway: Gateway;
let firmware: Backend;

beforeAll(async () => {
  lab = await Lab.start();
  ({ etcd, gateway, firmware } = lab.parts);
});
afterAll(() => lab?.remove());
beforeEach(() => lab.clear());

describe("an operator's commands", () => {
  it('drains an instance with drain --wait, and puts it back with undrain', async () => {
    const { cli, admin } = await lab.watch();
    await etcd.put(`/services/firmware/${firmware.address}`, '');
    await cli.event('server-added');
    const name = `firmware ${firmware.address}`;
    const drained = await run([
      ...['drain', ...name.split(' '), '--wait', '--reason', 'new disk'],
      ...['--etcd-endpoints', etcd.url],
    ]);
    expect(drained.out.split('\n').at(0)).toBe(`draining ${name}, until: sidekick undrain ${name}`);
    expect(drained.out.split('\n').at(-1)).toBe(`${name} has been drained and removed by w1`);
    expect(drained.code).toBe(0);
    expect(await gateway.servers('http', 'firmware')).toEqual([]);
    const status = await run(['status', '--admin', admin]);
    expect(status.out).toMatch(
      new RegExp(`\nDrained by operators:\n  ${name} by \\S+@\\S+ at \\d{4}-\\S+Z: new disk\\b`),
    );

    const from = cli.err.lines.length;
    const undrained = await run(['undrain', ...name.split(' '), '--etcd-endpoints', etcd.url]);
    expect(undrained.out).toMatch(
      new RegExp(`^${name} is no longer drained \\(it was drained by .*: new disk\\)$`),
    );
    expect(undrained.code).toBe(0);
    await cli.event('server-added', from);
    const again = await run(['undrain', ...name.split(' '), '--etcd-endpoints', etcd.url]);
    expect(again).toMatchObject({
      code: 1,
      err: `sidekick: ${name} is not drained by an operator\nno instance is drained by an operator`,
    });
  });

  it('takes the etcd of drain from the file of a watcher, and drains an unregistered instance only when told to', async () => {
    const path = join(lab.directory, 'lb.yaml');
    await writeFile(path, `nginx: { api: "${gateway.api}" }\netcd: { endpoints: ["${etcd.url}"] }\n`);
    const order = ['drain', 'firmware', '10.0.0.9:80', '--wait', '--config', path];
    await etcd.put('/services/firmware/10.0.0.8:80', '');
    const { code, err } = await run(order);
    expect(err).toBe(
      [
        'sidekick: firmware 10.0.0.9:80 is not registered: nothing was changed',
        'the instances of firmware are 10.0.0.8:80',
        'use --force to drain it as soon as it registers',
      ].join('\n'),
    );
    expect(code).toBe(1);
    expect((await etcd.list('/sidekick/maintenance/')).size).toBe(0);

    const forced = await run([...order, '--force']);
    expect(forced.out).toMatch(
      /^firmware 10\.0\.0\.9:80 is not registered; it will be drained as soon as it registers/,
    );
    expect(forced.code).toBe(0);
    expect([...(await etcd.list('/sidekick/maintenance/')).keys()]).toEqual([
      '/sidekick/maintenance/firmware/10.0.0.9:80',
    ]);
  });

  it('fails drain --wait where no watcher runs, since nobody drains the instance', async () => {
    await etcd.put('/services/firmware/10.0.0.9:80', '');
    const { code, err } = await run([
      ...['drain', 'firmware', '10.0.0.9:80', '--wait', '--etcd-endpoints', etcd.url],
    ]);
    expect(err).toMatch(
      /^sidekick: no running watcher drives firmware: nothing has drained .*\nno watcher is running\nthe drain of .* goes on/,
    );
    expect(code).toBe(1);
  });

  it('leaves the instance drained when Ctrl-C or the time limit ends drain --wait, and says so', async () => {
    const lease = await etcd.grant(600);
    await etcd.put('/sidekick/watchers/silent', JSON.stringify({ services: ['firmware'] }), lease);
    await etcd.put('/services/firmware/10.0.0.9:80', '');
    const order = ['drain', 'firmware', '10.0.0.9:80', '--wait', '--etcd-endpoints', etcd.url];
    const stands = 'the drain of firmware 10.0.0.9:80 goes on, until: sidekick undrain firmware 10.0.0.9:80';
    const cli = start(order);
    await cli.out.waitFor(/^waiting for silent$/);
    cli.signal('SIGINT');
    const interrupted = await cli.ended();
    expect(interrupted.err).toBe(`sidekick: interrupted by SIGINT\n${stands}`);
    expect(interrupted.code).toBe(1);

    const late = await run([...order, '--timeout', '1s']);
    expect(late.err).toBe(`sidekick: not done within 1s (--timeout): still waiting for silent\n${stands}`);
    expect(late.out).toMatch(/^firmware 10\.0\.0\.9:80 is being drained already by /);
    expect(late.code).toBe(1);
    expect((await etcd.list('/sidekick/maintenance/')).size).toBe(1);
  });

  it('finds nothing to unhold for a misspelt service, and for one of which nothing is held', async () => {
    const { cli } = await lab.watch();
    await etcd.put(`/services/firmware/${firmware.address}`, '');
    await cli.event('server-added');
    await cli.event('daemon-ready');
    const order = (service: string) => run(['unhold', service, '--etcd-endpoints', etcd.url]);
    expect(await order('fimware')).toMatchObject({
      code: 1,
      err: 'sidekick: no running watcher drives fimware: nothing was changed\ndid you mean firmware?',
    });
    expect(await order('firmware')).toMatchObject({
      code: 1,
      err: 'sidekick: no guard holds a server of firmware (watchers: w1)',
    });
  });

  it('ends what the guard holds with unhold', async () => {
    const { cli, admin } = await lab.watch();
    for (const port of [1, 2, 3]) await etcd.put(`/services/firmware/10.0.0.1:${port}`, '');
    await until('three servers', async () => (await gateway.servers('http', 'firmware')).length === 3);
    await etcd.delete('/services/');
    await cli.event('servers-held');
    expect((await run(['status', '--admin', admin])).out).toMatch(/10\.0\.0\.1:1 +held +.*held for \d+s/);
    const released = await run(['unhold', 'firmware', '--etcd-endpoints', etcd.url]);
    expect(released.out).toMatch(
      /^asked these watchers to let go of the held servers of firmware: w1 \(\d servers?\)$/,
    );
    expect(released.code).toBe(0);
    await until('no server', async () => (await gateway.servers('http', 'firmware')).length === 0);
  });
});
