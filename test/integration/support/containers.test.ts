import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { getContainerRuntimeClient } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FIRMWARE,
  startBroker,
  startEtcd,
  startEtcdCluster,
  startFirmware,
  startHost,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { removeStale } from '../../support/containers/owner.js';

let network: TestNetwork;

beforeAll(async () => {
  network = await startNetwork();
});

afterAll(async () => {
  await network.remove();
});

describe('etcd', () => {
  it('keeps its host port and data after a kill, and gets another, empty data directory after a replacement', async () => {
    const etcd = await startEtcd(network);
    const lease = await etcd.grant(60);
    await etcd.put('/services/firmware/10.0.0.1:8080', 'lazy-unicorn', lease);
    await etcd.container.kill();
    await expect(fetch(`${etcd.url}/health`)).rejects.toThrow('fetch failed');

    await etcd.container.start();
    expect(await (await fetch(`${etcd.url}/health`)).json()).toMatchObject({ health: 'true' });
    expect([...(await etcd.list('/services/'))]).toEqual([
      ['/services/firmware/10.0.0.1:8080', 'lazy-unicorn'],
    ]);

    const id = async () =>
      (JSON.parse(await etcd.ctl('get', '/', '-w', 'json')) as { header: { cluster_id: number } }).header
        .cluster_id;
    const before = await id();
    await etcd.container.replace();
    expect(await id()).not.toBe(before);
    expect(await etcd.list('/services/')).toEqual(new Map());
  });

  it('continues as a cluster without one of three members', async () => {
    const [first, second] = await startEtcdCluster(network, 3);
    await first?.container.kill();
    // A write that was on its way to the killed leader times out; one after the election does not.
    await until('a write goes through', async () => {
      await second?.put('/services/mqtt/10.0.0.1:1883', '{}');
      return true;
    });
    expect([...((await second?.list('/services/')) ?? [])]).toEqual([['/services/mqtt/10.0.0.1:1883', '{}']]);
  });
});

describe('a container of a backend', () => {
  it('serves firmware with its length, in parts, with a health path', async () => {
    const firmware = await startFirmware(network, 1);
    const base = `http://127.0.0.1:${firmware.container.port(8080)}`;
    for (const file of [FIRMWARE.small, FIRMWARE.large]) {
      const response = await fetch(base + file.path);
      expect(Number(response.headers.get('content-length'))).toBe(file.length);
      expect((await response.arrayBuffer()).byteLength).toBe(file.length);
    }
    const part = await fetch(base + FIRMWARE.large.path, { headers: { range: 'bytes=1000-1999' } });
    expect(part.status).toBe(206);
    expect((await part.arrayBuffer()).byteLength).toBe(1000);
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });

  it('ends a firmware server gracefully: the download under way is completed', async () => {
    const firmware = await startFirmware(network, 2);
    const response = await fetch(`http://127.0.0.1:${firmware.container.port(8080)}${FIRMWARE.slow.path}`);
    const [exitCode, body] = await Promise.all([firmware.container.stop(), response.arrayBuffer()]);
    expect(exitCode).toBe(0);
    expect(body.byteLength).toBe(FIRMWARE.slow.length);
  });

  it('runs brokers, whose log tells when they are up, again after each start', async () => {
    const broker = await startBroker(network, 1);
    expect(await broker.container.stop()).toBe(0);
    await broker.container.start();
    const running = broker.container.logs.lines.filter((line) => line.includes('running'));
    expect(running).toHaveLength(2);
    expect(broker.address).toBe(`${broker.container.ip}:1883`);
  });

  it('gives what runs on a host the address of the host, again after each start', async () => {
    const host = await startHost(network, 'host');
    const firmware = await startFirmware(network, 4, host);
    const { address } = firmware;
    expect(address).toBe(`${host.ip}:8080`);
    await firmware.container.stop();
    await firmware.container.start();
    expect(firmware.address).toBe(address);
  });
});

describe('the owner of a container', () => {
  it('loses its containers when its process is gone; those of living processes stay', async () => {
    const { pid: deadPid } = spawnSync(process.execPath, ['--version']);
    const { dockerode } = (await getContainerRuntimeClient()).container;
    const stale = await dockerode.createNetwork({
      Name: `sidekick-stale-${deadPid}`,
      Labels: { 'sidekick.owner': `${hostname()}/${deadPid}` },
    });
    const mine = await startFirmware(network, 3);

    await removeStale();

    await expect(stale.inspect()).rejects.toMatchObject({ statusCode: 404 });
    expect(await mine.container.isRunning()).toBe(true);
  });
});
