import { isDeepStrictEqual } from 'node:util';
import { connectEtcd, type EtcdConnection } from '../adapters/etcd/connect.js';
import { sleep } from '../async/sleep.js';
import type { registerScope } from '../config/register.js';
import { type RegisterConfig, type RegisterSettings, registerSettings } from '../config/register.js';
import { messageOf } from '../core/errors.js';
import type { SpreaderStatus } from '../daemon/firmware/spreader.js';
import type { RegistrarOptions } from '../daemon/registrar/options.js';
import { Registrar } from '../daemon/registrar/registrar.js';
import { isReady, type RegistrarStatus, type ServiceStatus } from '../daemon/registrar/status.js';
import { AutoAddresses } from './auto-addresses.js';
import type { InvocationOf } from './command.js';
import { logRestartRequired } from './config-log.js';
import { FileMonitor } from './file-monitor.js';
import type { FirmwareFiles } from './firmware-files.js';
import { type Daemon, daemonSpec, runDaemon, type Telemetry } from './run-daemon.js';
import { logShortStopTimeout } from './stop-timeout.js';
import { registrarSummary } from './systemd-status.js';

type RegisterInvocation = InvocationOf<typeof registerScope>;

/** The keys that a reload does not change. */
const FIXED_KEYS = ['prefix', 'lease', 'firmware', 'admin', 'log'] as const;

/** How often `auto:` addresses are looked up, in ms; more often while one is unknown. */
const LOOKUP_INTERVAL = 5000;
const UNKNOWN_LOOKUP_INTERVAL = 1000;

/** `sidekick register` */
export async function register(invocation: RegisterInvocation): Promise<number> {
  const settings = registerSettings(invocation.config, invocation.sources.env);
  const etcd = connectEtcd(settings.etcd);
  try {
    const spec = daemonSpec('register', invocation, 'draining, then deregistering', settings.warnings);
    // Loaded now and not later: an upgrade replaces the code under a process that still runs.
    const code = settings.firmware && (await import('./firmware-files.js'));
    return await runDaemon(
      spec,
      (telemetry) => new RegisterDaemon(invocation, settings, etcd, telemetry, code?.FirmwareFiles),
    );
  } finally {
    etcd.close();
  }
}

/** What `/status` shows of a registrar. */
export interface RegisterStatus extends RegistrarStatus {
  /** Which firmware files this host holds and lacks; only on the host of a firmware server. */
  readonly firmware?: SpreaderStatus;
}

/** A registrar with its configuration, which a reload, a changed file or a changed address of this host changes. */
class RegisterDaemon implements Daemon {
  /** The lease's loop makes progress with every keepalive, three times per TTL. */
  readonly stuckAfter: number;
  readonly #invocation: RegisterInvocation;
  readonly #etcd: EtcdConnection;
  readonly #telemetry: Telemetry;
  readonly #registrar: Registrar;
  readonly #addresses: AutoAddresses;
  readonly #firmware: FirmwareFiles | undefined;
  readonly #files = new FileMonitor(() => this.#readFiles());
  #config: RegisterConfig;
  #settings: RegisterSettings;

  constructor(
    invocation: RegisterInvocation,
    settings: RegisterSettings,
    etcd: EtcdConnection,
    telemetry: Telemetry,
    /** Its code, where the settings have a firmware server. */
    Firmware: typeof FirmwareFiles | undefined,
  ) {
    this.#invocation = invocation;
    this.#config = invocation.config;
    this.#settings = settings;
    this.#etcd = etcd;
    this.#telemetry = telemetry;
    this.#addresses = new AutoAddresses(telemetry.log);
    const ports = { ...telemetry, ...etcd, version: invocation.build.version };
    this.#firmware =
      settings.firmware &&
      Firmware &&
      new Firmware(settings.firmware, settings.prefixes, ports, () => this.#apply(this.#settings));
    this.#registrar = new Registrar(this.#options(settings), ports);
    this.stuckAfter = Math.max(60_000, settings.leaseTtl);
  }

  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    logShortStopTimeout(this.#settings.drainTimeout, this.#invocation.sources.env, this.#telemetry.log);
    const registering = this.#registrar.run(stop, kill);
    this.#files.monitor(this.#settings.filesRead);
    try {
      await Promise.all([registering, this.#refreshAddresses(stop), this.#firmware?.run(stop)]);
    } finally {
      this.#files.stop();
    }
  }

  async reload(): Promise<void> {
    const config = this.#invocation.reload();
    const settings = registerSettings(config, this.#invocation.sources.env);
    await this.#addresses.refresh(settings);
    this.#apply(settings);
    this.#config = config;
    this.#files.monitor(settings.filesRead);
    logRestartRequired(this.#telemetry.log, FIXED_KEYS, this.#invocation.config.effective, config.effective);
  }

  /** Every service is registered by this process. */
  ready(): boolean {
    return this.status().ready;
  }

  etcdConnected(): boolean {
    return this.#registrar.status().connected;
  }

  lastProgress(): number {
    return this.#registrar.lastProgress;
  }

  adminToken(): string | undefined {
    return this.#settings.admin.token;
  }

  summary(): string {
    return registrarSummary(this.status());
  }

  /** The registrar's status, with the services whose addresses are unknown: they are not registered either. */
  status(): RegisterStatus {
    const status = this.#registrar.status();
    const unaddressed = this.#addresses
      .unaddressed(this.#settings)
      .map(({ service, auto, reason }): ServiceStatus => {
        return { service, address: auto, health: 'unknown', key: 'absent', reason };
      });
    const all = { ...status, services: [...status.services, ...unaddressed] };
    const firmware = this.#firmware?.status();
    return { ...all, ready: isReady(all), ...(firmware && { firmware }) };
  }

  /** After a boot the network may come late, and later the address of the host may change. */
  async #refreshAddresses(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#addresses.refresh(this.#settings)) this.#applyAddresses();
      const isUnknown = this.#addresses.unaddressed(this.#settings).length > 0;
      await sleep(isUnknown ? UNKNOWN_LOOKUP_INTERVAL : LOOKUP_INTERVAL, signal);
    }
  }

  #applyAddresses(): void {
    try {
      this.#apply(this.#settings);
    } catch (error) {
      const fields = { event: 'address-unusable', reason: messageOf(error) };
      this.#telemetry.log.error(
        fields,
        'the address of this host has changed, but the new one cannot be used',
      );
    }
  }

  /** Applies files that have changed: a certificate, a key, a password. */
  #readFiles(): void {
    const { log } = this.#telemetry;
    try {
      const settings = registerSettings(this.#config, this.#invocation.sources.env);
      if (!this.#files.monitor(settings.filesRead)) return;
      this.#apply(settings);
      const files = [...settings.filesRead.keys()];
      log.info({ event: 'files-reloaded', files }, 'files have changed and are in use');
    } catch (error) {
      const fields = { event: 'files-rejected', reason: messageOf(error) };
      log.error(fields, 'files have changed, but cannot be used: what was read before stays in use');
    }
  }

  #options(settings: RegisterSettings): RegistrarOptions {
    const options = this.#addresses.options(settings);
    return this.#firmware?.decorate(options) ?? options;
  }

  /** Applies other settings. Throws, and changes nothing, if they cannot be used. */
  #apply(settings: RegisterSettings): void {
    const options = this.#options(settings);
    if (!isDeepStrictEqual(settings.etcd, this.#settings.etcd)) this.#etcd.renew(settings.etcd);
    if (settings.firmware && settings !== this.#settings) {
      this.#firmware?.renewReleaseKeys(settings.firmware.releaseKeys);
    }
    this.#settings = settings;
    this.#registrar.reconfigure(options);
  }
}
