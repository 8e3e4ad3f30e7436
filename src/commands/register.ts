import { isDeepStrictEqual } from 'node:util';
import { connectEtcd, type EtcdConnection } from '../adapters/etcd/connect.js';
import { sleep } from '../async/sleep.js';
import type { registerScope } from '../config/register.js';
import { type RegisterConfig, type RegisterSettings, registerSettings } from '../config/register.js';
import { messageOf } from '../core/errors.js';
import { Registrar } from '../daemon/registrar/registrar.js';
import { isReady, type RegistrarStatus, type ServiceStatus } from '../daemon/registrar/status.js';
import { AutoAddresses } from './auto-addresses.js';
import type { InvocationOf } from './command.js';
import { FileFollower } from './follow-files.js';
import { type Daemon, daemonSpec, runDaemon, type Telemetry } from './run-daemon.js';
import { tellStopLimit } from './stop-limit.js';
import { registrarSummary } from './systemd-status.js';
import { warnOfRestart } from './warn-of-restart.js';

type RegisterInvocation = InvocationOf<typeof registerScope>;

/** What a reload does not change. */
const FIXED = ['prefix', 'lease', 'admin', 'log'] as const;

/** How often the addresses that this host has to find out are looked at, in ms; more often while one is not known. */
const LOOK = 5000;
const LOOK_FOR_UNKNOWN = 1000;

/** `sidekick register` */
export async function register(invocation: RegisterInvocation): Promise<number> {
  const settings = registerSettings(invocation.config, invocation.sources.env);
  const etcd = connectEtcd(settings.etcd);
  try {
    const frame = daemonSpec('register', invocation, 'draining, then deregistering', settings.warnings);
    return await runDaemon(frame, (telemetry) => new RegisterDaemon(invocation, settings, etcd, telemetry));
  } finally {
    etcd.close();
  }
}

/** A registrar with its configuration: what a reload, a changed file or a changed address of this host makes of it. */
class RegisterDaemon implements Daemon {
  /** The lease's loop moves with every keepalive, which comes every third of the time to live. */
  readonly stuckAfter: number;
  readonly #invocation: RegisterInvocation;
  readonly #etcd: EtcdConnection;
  readonly #telemetry: Telemetry;
  readonly #registrar: Registrar;
  readonly #addresses: AutoAddresses;
  readonly #files = new FileFollower(() => this.#readFiles());
  #config: RegisterConfig;
  #settings: RegisterSettings;

  constructor(
    invocation: RegisterInvocation,
    settings: RegisterSettings,
    etcd: EtcdConnection,
    telemetry: Telemetry,
  ) {
    this.#invocation = invocation;
    this.#config = invocation.config;
    this.#settings = settings;
    this.#etcd = etcd;
    this.#telemetry = telemetry;
    this.#addresses = new AutoAddresses(telemetry.log);
    this.#registrar = new Registrar(this.#addresses.config(settings), { ...telemetry, ...etcd });
    this.stuckAfter = Math.max(60_000, settings.leaseTtl);
  }

  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    tellStopLimit(this.#settings.drainTimeout, this.#invocation.sources.env, this.#telemetry.log);
    const registering = this.#registrar.run(stop, kill);
    this.#files.follow(this.#settings.filesRead);
    try {
      await Promise.all([registering, this.#followAddresses(stop)]);
    } finally {
      this.#files.end();
    }
  }

  async reload(): Promise<void> {
    const config = this.#invocation.reload();
    const settings = registerSettings(config, this.#invocation.sources.env);
    await this.#addresses.look(settings);
    this.#take(settings);
    this.#config = config;
    this.#files.follow(settings.filesRead);
    warnOfRestart(this.#telemetry.log, FIXED, this.#invocation.config.effective, config.effective);
  }

  ready(): boolean {
    return this.status().ready;
  }

  etcdConnected(): boolean {
    return this.#registrar.status().connected;
  }

  lastProgress(): number {
    return this.#registrar.lastProgress;
  }

  summary(): string {
    return registrarSummary(this.status());
  }

  /** The registrar's status, with the services whose addresses are not known yet: they are not registered either. */
  status(): RegistrarStatus {
    const status = this.#registrar.status();
    const waiting = this.#addresses.waiting(this.#settings).map(({ service, own, reason }): ServiceStatus => {
      return { service, address: own, health: 'unknown', key: 'absent', reason };
    });
    const all = { ...status, services: [...status.services, ...waiting] };
    return { ...all, ready: isReady(all) };
  }

  /** At boot, the network comes when it comes, and later the host's address may become another. */
  async #followAddresses(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#addresses.look(this.#settings))
        this.#attempt('address-unusable', () => this.#take(this.#settings));
      const unknown = this.#addresses.waiting(this.#settings).length > 0;
      await sleep(unknown ? LOOK_FOR_UNKNOWN : LOOK, signal);
    }
  }

  /** Some file has changed: a certificate, a key, a password. */
  #readFiles(): void {
    this.#attempt('files-rejected', () => {
      const settings = registerSettings(this.#config, this.#invocation.sources.env);
      if (!this.#files.follow(settings.filesRead)) return;
      this.#take(settings);
      const files = [...settings.filesRead.keys()];
      this.#telemetry.log.info({ event: 'files-reloaded', files }, 'files that changed have been read again');
    });
  }

  #attempt(event: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const fields = { event, reason: messageOf(error) };
      this.#telemetry.log.error(
        fields,
        'what changed cannot be used: all stays as it was until it changes again',
      );
    }
  }

  /** Goes on with other settings; throws, and changes nothing, where they are no good. */
  #take(settings: RegisterSettings): void {
    const config = this.#addresses.config(settings);
    if (!isDeepStrictEqual(settings.etcd, this.#settings.etcd)) this.#etcd.renew(settings.etcd);
    this.#settings = settings;
    this.#registrar.reconfigure(config);
  }
}
