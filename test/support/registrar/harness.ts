/** A registrar in the test's own process, on a real etcd behind a proxy. */
import { setMaxListeners } from 'node:events';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../../src/adapters/etcd/options.js';
import { createProbe } from '../../../src/adapters/probes/create-probe.js';
import type { ProbeSpec } from '../../../src/adapters/probes/spec.js';
import type { Address } from '../../../src/core/address.js';
import type { HealthPolicy } from '../../../src/core/health.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import type { ServiceSpec } from '../../../src/daemon/registrar/options.js';
import { Registrar } from '../../../src/daemon/registrar/registrar.js';
import { recordingLog, recordingMeter } from '../silent.js';

/** A signal that is never aborted. */
export const NEVER = new AbortController().signal;
setMaxListeners(0, NEVER);

const QUICK: HealthPolicy = { interval: 100, timeout: 500, rise: 2, fall: 3 };

interface ServiceOptions {
  readonly service?: string;
  readonly address?: string;
  readonly weight?: number;
  /** Default: always healthy. */
  readonly probe?: ProbeSpec;
  readonly health?: Partial<HealthPolicy>;
}

/** One service; its probes follow each other quickly. */
export function serviceSpec(options: ServiceOptions = {}): ServiceSpec {
  const { service = 'firmware', address = '10.0.0.1:8080', weight = 1, probe, health } = options;
  return {
    registration: {
      service,
      address: address as Address,
      parameters: { ...DEFAULT_PARAMETERS, weight },
      drain: false,
      meta: {},
    },
    probe: probe ? createProbe(probe) : () => Promise.resolve(),
    probeId: JSON.stringify(probe ?? null),
    health: { ...QUICK, ...health },
  };
}

export interface Running extends AsyncDisposable {
  readonly registrar: Registrar;
  readonly log: ReturnType<typeof recordingLog>;
  readonly etcd: EtcdConnection;
  /** As a first SIGTERM does; resolves when it has ended. */
  stop(): Promise<void>;
  /** As a second one does. */
  kill(): Promise<void>;
}

interface RunOptions {
  readonly etcd: EtcdOptions;
  readonly services: readonly ServiceSpec[];
  /** In ms; default 3000. */
  readonly leaseTtl?: number;
  readonly drainTimeout?: number;
}

/** Runs a registrar until it is stopped, at the latest when it is disposed of. */
export function run({
  etcd: options,
  services,
  leaseTtl = 3000,
  drainTimeout = 10_000,
}: RunOptions): Running {
  const etcd = connectEtcd(options);
  const log = recordingLog();
  const registrar = new Registrar(
    { prefixes: DEFAULT_KEY_PREFIXES, leaseTtl, services, drainTimeout },
    { ...etcd, log, meter: recordingMeter(), clock: () => performance.now() },
  );
  const [stopping, killing] = [new AbortController(), new AbortController()];
  const done = registrar.run(stopping.signal, killing.signal).finally(() => etcd.close());
  return {
    registrar,
    log,
    etcd,
    stop() {
      stopping.abort();
      return done;
    },
    kill() {
      stopping.abort();
      killing.abort();
      return done;
    },
    [Symbol.asyncDispose]() {
      return this.kill();
    },
  };
}
