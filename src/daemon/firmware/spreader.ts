import { backoff } from '../../async/backoff.js';
import { forEach } from '../../async/for-each.js';
import { RateLimit } from '../../async/rate-limit.js';
import { Wakeup } from '../../async/wakeup.js';
import type { Address } from '../../core/address.js';
import { messageOf } from '../../core/errors.js';
import { type KeyPrefixes, parseInstance, servicePrefix } from '../../core/keys.js';
import type { Clock, Log, Meter, RegistryReader, RegistrySnapshot } from '../../core/ports.js';
import {
  heldUpTo,
  missingFiles,
  mustHold,
  offerableFiles,
  type WantedFile,
  wantedFiles,
} from '../../firmware/holdings.js';
import { areOutcomesAlone, firmwareRoot } from '../../firmware/keys.js';
import type { BlobPeers, BlobStore } from '../../firmware/ports.js';
import { acceptReleases, authentic, type ReleaseKeys } from '../../firmware/signature.js';
import { readTypes, type TypeState } from '../../firmware/type-state.js';
import { fetchFile } from './fetch-file.js';
import { LocalFiles } from './local-files.js';
import { DEFAULT_PARALLEL, DEFAULT_RESERVE } from './options.js';
import { RejectedReleases } from './rejected-releases.js';

interface SpreaderOptions {
  readonly prefixes: KeyPrefixes;
  /** The service under which the firmware servers register. */
  readonly service: string;
  /** Where the server is: it needs no files of other regions. Left out: it needs all. */
  readonly region?: string;
  /** Files fetched at a time; default 4. */
  readonly parallel?: number;
  /** Bytes a second of all fetches together; default unlimited. */
  readonly bandwidth?: number;
  /** Bytes of the disk that are left free; default 64 MiB. */
  readonly reserve?: number;
}

interface SpreaderPorts {
  readonly reader: RegistryReader;
  readonly store: BlobStore;
  readonly peers: BlobPeers;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Whether an address is this host's own server. */
  readonly isOwn: (address: Address) => boolean;
  /** The keys that releases are checked with, as they are now; undefined or left out: releases need no signature. */
  readonly releaseKeys?: () => ReleaseKeys | undefined;
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
}

/** A file that this server lacks. */
export interface MissingFile {
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** The releases that name it, such as `lamp 1.3.0`. */
  readonly releases: readonly string[];
  /** `nowhere`: every registered firmware server was asked, and none has it. `failed`: it is tried again. */
  readonly state: 'waiting' | 'fetching' | 'nowhere' | 'failed';
  /** Why the last attempt failed. */
  readonly reason?: string;
}

export interface SpreaderStatus {
  /** What the registration announces as `meta.firmware`; undefined before etcd and the directory have been read. */
  readonly revision: number | undefined;
  /** Why the firmware server is not registered now; undefined while it may be. */
  readonly notReady?: string;
  /** How many files it holds. */
  readonly held: number;
  readonly missing: readonly MissingFile[];
  /** Releases whose files are not fetched, since no trusted key vouches for them: at most 50. */
  readonly rejected?: readonly RejectedFiles[];
}

interface RejectedFiles {
  readonly release: string;
  readonly reason: string;
}

const REJECTED_SHOWN = 50;

type Attempt = Pick<MissingFile, 'state' | 'reason'>;

/** An attempt that has failed. */
interface Failure {
  readonly state: 'nowhere' | 'failed';
  readonly reason: string;
}

/** How often the directory is read although nothing has changed in etcd, in ms: an upload shows only there. */
const RESCAN = 30_000;
const RETRY = { min: 1_000, max: 60_000 };

/**
 * Keeps the files of this host's firmware server complete: whatever release there is, its files are fetched from any
 * registered firmware server that has them. A server that joins with an empty disk takes the same path.
 */
export class Spreader {
  readonly #options: SpreaderOptions;
  readonly #ports: SpreaderPorts;
  readonly #files: LocalFiles;
  readonly #rate: RateLimit;
  readonly #rejectedLog: RejectedReleases;
  readonly #wakeup = new Wakeup();
  /** How the last attempt at each missing file ended. */
  readonly #attempts = new Map<string, Attempt>();
  #snapshot: RegistrySnapshot | undefined;
  #revision: number | undefined;
  /** The files that a rollout names, with the revision of their release. */
  #offerable: readonly WantedFile[] = [];
  #missing: readonly WantedFile[] = [];
  #rejected: readonly RejectedFiles[] = [];
  /** The highest revision that was announced while this server was ready; undefined before it has been. */
  #promised: number | undefined;
  #failures = 0;
  #onChange: () => void = () => {};
  #onCompared: () => void = () => {};
  /** Resolves when the files have been compared with etcd for the first time. */
  readonly compared = new Promise<void>((resolve) => {
    this.#onCompared = resolve;
  });

  constructor(options: SpreaderOptions, ports: SpreaderPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#files = new LocalFiles(ports.store, ports.log);
    this.#rejectedLog = new RejectedReleases(ports);
    this.#rate = new RateLimit(options.bandwidth ?? Number.POSITIVE_INFINITY, ports.clock);
  }

  /** Called whenever `status` or `notReadyReason` may have changed. */
  set onChange(listener: () => void) {
    this.#onChange = listener;
  }

  status(): SpreaderStatus {
    const notReady = this.notReadyReason();
    return {
      revision: this.#revision,
      ...(notReady !== undefined && { notReady }),
      held: this.#files.held.size,
      missing: this.#missing.map(({ sha256, size, releases }) => {
        const attempt = this.#attempts.get(sha256) ?? { state: 'waiting' };
        return { sha256, size, releases, ...attempt };
      }),
      ...(this.#rejected.length > 0 && { rejected: this.#rejected }),
    };
  }

  /** The keys that releases are checked with have changed. */
  releaseKeysChanged(): void {
    this.#wakeup.wake();
  }

  /**
   * Why this server must not be registered now; undefined while it may be. A server joins once it holds every file that
   * may be offered. From then on it has to hold those that it has announced: a newer release is offered to nobody before
   * every server has announced it.
   */
  notReadyReason(): string | undefined {
    if (this.#revision === undefined) return 'the firmware files have not been compared with etcd yet';
    const { held } = this.#files;
    const promised = this.#promised ?? Number.POSITIVE_INFINITY;
    const lacking = this.#offerable.filter(
      ({ sha256, revision }) => revision <= promised && !held.has(sha256),
    );
    if (lacking.length === 0) return undefined;
    return `files are missing that devices may be offered: ${lacking.flatMap(({ releases }) => releases).join(', ')}`;
  }

  /** Runs until the signal is aborted. Outages of etcd, of other servers and of the disk are retried. */
  async run(signal: AbortSignal): Promise<void> {
    const { prefixes, service } = this.#options;
    const listener = {
      onSnapshot: (snapshot: RegistrySnapshot) => {
        // etcd was restored or set up anew: its revisions are not those that were announced.
        if (snapshot.revision < (this.#snapshot?.revision ?? 0)) this.#promised = undefined;
        this.#snapshot = snapshot;
        if (!areOutcomesAlone(prefixes, snapshot.changed)) this.#wakeup.wake();
      },
      // The last state stays: files that it names are still fetched.
      onUnavailable: () => {},
    };
    const watching = this.#ports.reader.watch(
      [firmwareRoot(prefixes), servicePrefix(prefixes, service)],
      listener,
      signal,
    );
    while (!signal.aborted) {
      await this.#wakeup.wait(
        this.#failures === 0 ? RESCAN : backoff(this.#failures, RETRY, this.#ports.random),
        signal,
      );
      if (!signal.aborted) await this.#pass(signal);
    }
    await watching;
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    try {
      const isComplete = await this.#complete(snapshot, signal);
      this.#failures = isComplete ? 0 : this.#failures + 1;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures++;
      const fields = { event: 'firmware-disk-failed', reason: messageOf(error) };
      this.#ports.log.error(fields, 'the firmware directory cannot be read or written; retrying');
    }
  }

  /** Reads the directory once, and tries to fetch each missing file once. Resolves to whether nothing is missing. */
  async #complete({ entries }: RegistrySnapshot, signal: AbortSignal): Promise<boolean> {
    const { prefixes } = this.#options;
    const types = this.#accepted([...readTypes(prefixes, entries.values()).values()]);
    const wanted = wantedFiles(prefixes, types, this.#options);
    const offerable = offerableFiles(types.filter(({ type }) => mustHold(this.#options, type)));
    await this.#files.refresh(signal);
    await this.#files.alignMtimes(wanted.files);
    const update = () => {
      const { held } = this.#files;
      this.#offerable = [...wanted.files.values()].filter(({ sha256 }) => offerable.has(sha256));
      this.#missing = missingFiles(wanted, held);
      this.#revision = heldUpTo(wanted, held);
      this.#onCompared();
      if (this.notReadyReason() === undefined) this.#promised = Math.max(this.#promised ?? 0, this.#revision);
      this.#onChange();
    };
    update();
    for (const sha256 of this.#attempts.keys()) if (!wanted.files.has(sha256)) this.#attempts.delete(sha256);
    await forEach(this.#missing, this.#options.parallel ?? DEFAULT_PARALLEL, async (file) => {
      if (signal.aborted) return;
      const before = this.#attempts.get(file.sha256);
      this.#attempts.set(file.sha256, { state: 'fetching' });
      const failure = await this.#fetch(file, this.#servers(entries.keys()), signal);
      if (failure === undefined) this.#fetched(file);
      else this.#failed(file, failure, before);
      update();
    });
    return this.#missing.length === 0;
  }

  /**
   * The types without the releases that no trusted key vouches for. Watchers check whether a signature counts already: so
   * the files are here when its time comes.
   */
  #accepted(types: readonly TypeState[]): readonly TypeState[] {
    const keys = this.#ports.releaseKeys?.();
    const accepted = keys ? types.map((state) => acceptReleases(state, authentic(keys))) : types;
    this.#rejectedLog.report(accepted);
    this.#rejected = accepted.flatMap(rejectedReleases).slice(0, REJECTED_SHOWN);
    return accepted;
  }

  /** Resolves to why the file could not be had, or undefined. */
  async #fetch(
    file: WantedFile,
    servers: readonly Address[],
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const free = await this.#ports.store.free();
    if (free - file.size < (this.#options.reserve ?? DEFAULT_RESERVE)) {
      return {
        state: 'failed',
        reason: `the disk has ${free} bytes left, and the file is ${file.size} bytes`,
      };
    }
    const { store, peers, log } = this.#ports;
    const found = await fetchFile(file, servers, { store, peers, rate: this.#rate }, signal);
    if (found.outcome === 'nowhere') {
      return {
        state: 'nowhere',
        reason: 'no registered firmware server has it: put it back with `sidekick firmware publish --repair`',
      };
    }
    if (found.outcome === 'failed') return { state: 'failed', reason: found.reason };
    const fields = {
      event: 'firmware-file-fetched',
      file: file.sha256,
      releases: file.releases,
      from: found.from,
    };
    log.info(fields, 'a firmware file was fetched');
    return undefined;
  }

  #fetched(file: WantedFile): void {
    this.#attempts.delete(file.sha256);
    this.#files.add(file);
  }

  /** Logs why a file is missing, unless that was logged already. */
  #failed({ sha256, releases }: WantedFile, failure: Failure, before: Attempt | undefined): void {
    this.#attempts.set(sha256, failure);
    const { reason } = failure;
    if (before?.reason === reason) return;
    const fields = { event: 'firmware-file-missing', file: sha256, releases, reason };
    this.#ports.log.warn(fields, 'a firmware file is missing here; retrying');
  }

  /** The other firmware servers that are registered, in random order, so that they share the work. */
  #servers(keys: Iterable<string>): readonly Address[] {
    const { prefixes, service } = this.#options;
    const { random = Math.random, isOwn } = this.#ports;
    const prefix = servicePrefix(prefixes, service);
    return [...keys]
      .filter((key) => key.startsWith(prefix))
      .map((key) => parseInstance(prefixes.services, key))
      .flatMap((instance) => (instance.ok && !isOwn(instance.value.address) ? [instance.value.address] : []))
      .map((address) => ({ address, order: random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ address }) => address);
  }
}

function rejectedReleases({ type, rejected }: TypeState): readonly RejectedFiles[] {
  return [...rejected.values()].map(({ release, reason }) => ({
    release: `${type} ${release.version}`,
    reason,
  }));
}
