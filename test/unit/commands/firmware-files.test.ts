import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicClock } from '../../../src/adapters/clocks.js';
import { FirmwareFiles } from '../../../src/commands/firmware-files.js';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_HEALTH_POLICY } from '../../../src/core/health.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import type { RegistrarOptions } from '../../../src/daemon/registrar/options.js';
import { releaseKey, rolloutKey } from '../../../src/firmware/keys.js';
import { encodeRelease } from '../../../src/firmware/release.js';
import { encodeRollout } from '../../../src/firmware/rollout.js';
import { FakeRegistry } from '../../support/fake-registry.js';
import { recordingLog, recordingMeter } from '../../support/silent.js';

const AT = '2026-11-27T12:00:00.000Z';
const SETTINGS = { service: 'firmware', parallel: 1, reserve: 0 };

let directory: string;
let registry: FakeRegistry;
let stop: AbortController;
let files: FirmwareFiles;
let running: Promise<void>;
/** Resolves with the next call of `onChange`. */
let changed: () => Promise<void>;

const options: RegistrarOptions = {
  prefixes: DEFAULT_KEY_PREFIXES,
  leaseTtl: 15_000,
  drainTimeout: 45_000,
  services: ['firmware', 'other'].map((service) => ({
    registration: {
      ...{ service, address: '10.0.0.1:8080' as Address, drain: false, meta: {} },
      parameters: DEFAULT_PARAMETERS,
    },
    probe: () => Promise.resolve(),
    probeId: service,
    health: DEFAULT_HEALTH_POLICY,
  })),
};

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sidekick-firmware-files-'));
  registry = new FakeRegistry();
  stop = new AbortController();
  let notify = () => {};
  changed = () =>
    new Promise((resolve) => {
      notify = resolve;
    });
  const ports = { reader: registry, clock: monotonicClock, log: recordingLog(), meter: recordingMeter() };
  files = new FirmwareFiles({ ...SETTINGS, directory }, DEFAULT_KEY_PREFIXES, ports, () => notify());
});
afterEach(async () => {
  stop.abort();
  await running;
  await rm(directory, { recursive: true });
});

/** The firmware service as the registrar has it. */
const decorated = () => {
  const [firmware] = files.decorate(options).services;
  if (!firmware) throw new Error('there is no service');
  return firmware;
};

describe('a firmware server', () => {
  it('passes the first probe once its files have been compared with etcd, however early the probe began', async () => {
    const probing = decorated().probe(stop.signal);
    running = files.run(stop.signal);
    await expect(probing).resolves.toBeUndefined();
  });

  it('is probed at once when its files become complete, and no other service is', async () => {
    const incomplete = decorated().probeId;
    const next = changed();
    running = files.run(stop.signal);
    await next;
    expect(decorated().probeId).not.toBe(incomplete);
    expect(files.decorate(options).services[1]).toBe(options.services[1]);
  });

  it('is registered as a server of its region too, with the same probe, where it has one', () => {
    const ports = { reader: registry, clock: monotonicClock, log: recordingLog(), meter: recordingMeter() };
    files = new FirmwareFiles(
      { ...SETTINGS, directory, region: 'eu' },
      DEFAULT_KEY_PREFIXES,
      ports,
      () => {},
    );
    running = Promise.resolve();
    const [firmware, region, other, ...more] = files.decorate(options).services;
    expect(firmware?.registration).toMatchObject({ service: 'firmware', meta: { region: 'eu' } });
    expect(region?.registration).toMatchObject({
      service: 'firmware-eu',
      address: '10.0.0.1:8080',
      meta: { region: 'eu' },
    });
    expect(region?.probe).toBe(firmware?.probe);
    expect(other).toBe(options.services[1]);
    expect(more).toEqual([]);
  });

  it('fails the probe with the releases that are missing', async () => {
    const plain = { sha256: 'a'.repeat(64), md5: 'b'.repeat(32), size: 1 };
    const release = { version: '1.0.0', publishedAt: AT, publishedBy: 'ci', plain };
    const image = { chip: 'esp32', secureBoot: 'none' } as const;
    registry.write(releaseKey(DEFAULT_KEY_PREFIXES, 'lamp', '1.0.0'), encodeRelease({ ...release, image }));
    const rollout = { by: 'ann', at: AT, stable: '1.0.0', downgrade: false, secureVersion: 0 };
    registry.write(rolloutKey(DEFAULT_KEY_PREFIXES, 'lamp'), encodeRollout(rollout));
    running = files.run(stop.signal);
    await expect(decorated().probe(stop.signal)).rejects.toThrow(/lamp 1\.0\.0/);
  });
});
