/**
 * The threat model of docs/security.md as one run: a registrar that was taken over writes whatever its role allows, a
 * thousand times a second, and whatever other services go through has the same outcome as without it.
 * `ROGUE_SECONDS=60` has it go on for a minute; by default it takes as long as the story does, at the least ten seconds.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { DEFAULT_GUARD } from '../../../src/core/guard.js';
import {
  enableAccessControl,
  registrarPermissions,
  WATCHER_PERMISSIONS,
} from '../../support/access-control.js';
import { until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { run, serviceSpec } from '../../support/registrar/harness.js';
import type { RogueReport } from '../../support/rogue.js';
import { HTTP, STREAM } from '../../support/watching.js';

const SECONDS = Number(process.env.ROGUE_SECONDS ?? 10);
const RATE = 1000;
/** Whose servers go to NGINX too, so that it costs what a rogue can make it cost. */
const ROGUE = 'backend';
const SIGNAL = new AbortController().signal;
const FIRMWARE = [1, 2, 3, 4].map((n) => `10.0.0.${n}:8080`);
const MQTT = [1, 2].map((n) => `10.0.0.${n}:1883`);

let cluster: RealCluster;
let root: EtcdConnection;

beforeAll(async () => {
  cluster = await RealCluster.start();
  await enableAccessControl(cluster.etcd, USERS);
  root = connectEtcd({ endpoints: [cluster.etcd.url], auth: { username: 'root', password: 'root' } });
});

afterAll(async () => {
  root?.close();
  await cluster?.[Symbol.asyncDispose]();
});

/** Each user's password is its name. */
const USERS = [
  { name: 'watcher', password: 'watcher', permissions: WATCHER_PERMISSIONS },
  ...['firmware', 'mqtt', ROGUE].map((service) => ({
    name: service,
    password: service,
    permissions: registrarPermissions(service),
  })),
];

const accessOf = (user: string) => ({
  endpoints: [cluster.etcd.url],
  auth: { username: user, password: user },
});

function sidekick(service: string, address: string) {
  // Longer than what a test machine may be held up for: what expires here is to be what the story lets expire.
  return run({ etcd: accessOf(service), services: [serviceSpec({ service, address })], leaseTtl: 60_000 });
}

/** What other services go through: registrations, a drain by a sidekick, one by an operator, and a mass loss. */
async function story(): Promise<readonly string[]> {
  const outcome: string[] = [];
  const note = (what: string) => outcome.push(what);
  const watcher = new RealWatcher(
    { etcd: [cluster.etcd.url], nginx: { gateway: cluster.gateway.api }, auth: accessOf('watcher').auth },
    { guard: DEFAULT_GUARD },
  );
  const firmware = FIRMWARE.map((address) => sidekick('firmware', address));
  const mqtt = MQTT.map((address) => sidekick('mqtt', address));
  try {
    await cluster.serves(HTTP, FIRMWARE);
    await cluster.serves(STREAM, MQTT);
    note('registered');

    await firmware[3]?.stop();
    await mqtt[1]?.stop();
    await cluster.serves(HTTP, FIRMWARE.slice(0, 3));
    await cluster.serves(STREAM, MQTT.slice(0, 1));
    note('drained by their sidekicks');

    const maintenance = `/sidekick/maintenance/firmware/${FIRMWARE[2]}`;
    await root.store.put(maintenance, '{}', {}, SIGNAL);
    await cluster.serves(HTTP, FIRMWARE.slice(0, 2));
    // The watcher answers once the server is out of NGINX.
    const answers = await until('the watcher answers', async () => {
      const found = await root.store.list(`/sidekick/drained/firmware/${FIRMWARE[2]}/`, SIGNAL);
      return found.length > 0 && found;
    });
    note(`drained by an operator, ${answers.length} answer`);
    await root.store.remove(maintenance, {}, SIGNAL);
    await cluster.serves(HTTP, FIRMWARE.slice(0, 3));
    note('back after it');

    await Promise.all(firmware.slice(0, 3).map((one) => one.kill()));
    const held = () =>
      watcher.watcher
        .status()
        .nginx.flatMap(({ upstreams }) => upstreams)
        .find(({ kind, name }) => kind === HTTP.kind && name === HTTP.name)?.held ?? [];
    await until('the guard holds all that vanished', () => held().length === 3);
    await cluster.serves(HTTP, FIRMWARE.slice(0, 3));
    note('held by the guard: 3');
    const again = sidekick('firmware', FIRMWARE[0] as string);
    await until('the one that is back is held no more', () => held().length === 2);
    note('one registered again, held: 2');
    await again.kill();
    const { rejected } = watcher.watcher.status();
    note(`rejected of other services: ${rejected.filter(({ key }) => !key.includes(ROGUE)).length}`);
    return outcome;
  } catch (error) {
    const logs = [watcher.log, ...firmware.map(({ log }) => log)].map(({ lines }) =>
      JSON.stringify(lines.map(({ fields }) => fields)).slice(-1000),
    );
    throw new Error(`after ${outcome.join(', ')}: ${logs.join('\n')}`, { cause: error });
  } finally {
    await Promise.all([...firmware, ...mqtt].map((one) => one.kill()));
    await watcher.stop();
  }
}

/** Takes out what a story has left, so that each begins with nothing but what the rogue has written. */
async function clear(): Promise<void> {
  for (const prefix of ['/services/firmware/', '/services/mqtt/', '/sidekick/'])
    for (const { key } of await root.store.list(prefix, SIGNAL)) await root.store.remove(key, {}, SIGNAL);
  await cluster.clearServers();
}

function startRogue(): ChildProcess {
  const script = new URL('../../support/rogue.ts', import.meta.url);
  const args = [cluster.etcd.url, ROGUE, ROGUE, ROGUE, String(RATE)];
  return fork(script, args, { execArgv: ['--import', 'tsx'], silent: true });
}

async function stopRogue(rogue: ChildProcess): Promise<RogueReport> {
  let output = '';
  rogue.stdout?.on('data', (data: Buffer) => {
    output += data.toString();
  });
  rogue.kill('SIGTERM');
  await once(rogue, 'close');
  return JSON.parse(output) as RogueReport;
}

it(
  'a rogue that writes 1,000 times a second does not affect the registrations, drains and guard of other services',
  async () => {
    const without = await story();
    await clear();

    const rogue = startRogue();
    await once(rogue, 'message');
    const begun = performance.now();
    const rounds: (readonly string[])[] = [];
    do {
      rounds.push(await story());
      await clear();
    } while (performance.now() - begun < SECONDS * 1000);
    const report = await stopRogue(rogue);

    process.stdout.write(
      `rogue: ${report.written} writes in ${report.seconds.toFixed(1)} s (${Math.round(report.written / report.seconds)} a second), ` +
        `of others' keys ${report.trespassed} written and ${report.denied} refused; the story was told ${rounds.length} times beside it\n`,
    );
    expect(report.written).toBeGreaterThan(0);
    expect(report.denied).toBeGreaterThan(0);
    expect(report.trespassed).toBe(0);
    for (const round of rounds) expect(round).toEqual(without);
  },
  Math.max(600_000, SECONDS * 5_000),
);
