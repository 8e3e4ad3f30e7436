import { BlobDirectory } from '../adapters/blobs/directory.js';
import { HttpBlobPeers } from '../adapters/blobs/http-peers.js';
import type { FirmwareHostSettings } from '../config/register.js';
import type { KeyPrefixes } from '../core/keys.js';
import type { Clock, Log, Meter, RegistryReader } from '../core/ports.js';
import { Spreader, type SpreaderStatus } from '../daemon/firmware/spreader.js';
import type { RegistrarOptions, ServiceSpec } from '../daemon/registrar/options.js';
import { regionalService } from '../firmware/names.js';
import type { ReleaseKeys } from '../firmware/signature.js';

interface FirmwareFilesPorts {
  readonly reader: RegistryReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * The files of the firmware server on this host: kept complete, announced in its registration as `meta.firmware`, and part
 * of its health. `meta.slots` and `meta.region` say how many downloads it carries and where it is, where that is configured.
 * A server with a region is also registered under the service of its region.
 */
export class FirmwareFiles {
  readonly #service: string;
  readonly #slots: number | undefined;
  readonly #region: string | undefined;
  readonly #spreader: Spreader;
  #releaseKeys: ReleaseKeys | undefined;
  #own: ReadonlySet<string> = new Set();

  /** @param onChange Called when the registrar's options have to be decorated anew. */
  constructor(
    { directory, slots, releaseKeys, ...settings }: FirmwareHostSettings,
    prefixes: KeyPrefixes,
    ports: FirmwareFilesPorts,
    onChange: () => void,
  ) {
    this.#service = settings.service;
    this.#releaseKeys = releaseKeys;
    this.#slots = slots;
    this.#region = settings.region;
    this.#spreader = new Spreader(
      { prefixes, ...settings },
      {
        ...ports,
        store: new BlobDirectory(directory),
        peers: new HttpBlobPeers(),
        isOwn: (address) => this.#own.has(address),
        releaseKeys: () => this.#releaseKeys,
      },
    );
    let before: string | undefined;
    this.#spreader.onChange = () => {
      const { revision, notReady } = this.#spreader.status();
      const now = `${revision} ${notReady}`;
      if (now === before) return;
      before = now;
      onChange();
    };
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#spreader.run(signal);
  }

  status(): SpreaderStatus {
    return this.#spreader.status();
  }

  /** Checks releases with other keys from now on; undefined: they need no signature. */
  renewReleaseKeys(keys: ReleaseKeys | undefined): void {
    this.#releaseKeys = keys;
    this.#spreader.releaseKeysChanged();
  }

  /** The options with what the firmware server's registration says of its files, and a probe that looks at them too. */
  decorate(options: RegistrarOptions): RegistrarOptions {
    const servers = options.services.filter(({ registration }) => registration.service === this.#service);
    this.#own = new Set(servers.map(({ registration }) => registration.address));
    return {
      ...options,
      services: options.services.flatMap((spec) =>
        servers.includes(spec) ? this.#registered(spec) : [spec],
      ),
    };
  }

  #registered(spec: ServiceSpec): readonly ServiceSpec[] {
    const decorated = this.#decorated(spec);
    if (this.#region === undefined) return [decorated];
    const { registration } = decorated;
    const service = regionalService(registration.service, this.#region);
    return [decorated, { ...decorated, registration: { ...registration, service } }];
  }

  #decorated(spec: ServiceSpec): ServiceSpec {
    const { registration, probeId } = spec;
    const { revision, notReady } = this.#spreader.status();
    const meta = {
      ...(revision !== undefined && { firmware: String(revision) }),
      ...(this.#slots !== undefined && { slots: String(this.#slots) }),
      ...(this.#region !== undefined && { region: this.#region }),
    };
    return {
      ...spec,
      registration: { ...registration, meta: { ...registration.meta, ...meta } },
      // Another id has the service probed at once, instead of after the pause that is under way.
      probeId: notReady === undefined ? probeId : `${probeId} without files`,
      probe: async (signal) => {
        // A server that starts complete joins with its first probe. Whoever probes ends what takes too long.
        await this.#spreader.compared;
        const reason = this.#spreader.notReadyReason();
        if (reason !== undefined) throw new Error(reason);
        await spec.probe(signal);
      },
    };
  }
}
