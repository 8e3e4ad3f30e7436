import type { Address } from '../core/address.js';
import type { OutcomeReport } from './outcomes.js';

/** A file in place; its content need not be right. */
export interface StoredFile {
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** In seconds since the epoch. */
  readonly mtime: number;
}

/** The files of the firmware server on this host, each under its SHA-256. */
export interface BlobStore {
  /** The files in place. Other files of the directory are left out. */
  list(): Promise<readonly StoredFile[]>;
  /** The SHA-256 of a file in place, worked out from its content. */
  digest(sha256: string, signal: AbortSignal): Promise<string>;
  /** How many bytes of a file an earlier fetch has left. */
  partial(sha256: string): Promise<number>;
  /** Writes what follows the first `offset` bytes of a file that is being fetched. Whatever comes is kept. */
  append(sha256: string, offset: number, content: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Puts a fetched file in place with this mtime, on disk for good, if its content is what its name says. Resolves to
   * false, and forgets it, where it is not.
   */
  complete(sha256: string, mtime: number, signal: AbortSignal): Promise<boolean>;
  setMtime(sha256: string, mtime: number): Promise<void>;
  /** Removes a file in place. One that is not there is no error. */
  remove(sha256: string): Promise<void>;
  /** How many bytes may be written before the disk is full. */
  free(): Promise<number>;
}

/** A file's bytes from one of the other firmware servers. */
export interface PeerContent {
  /** Where in the file the content begins: 0 where the server does not resume. */
  readonly offset: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** The other firmware servers. */
export interface BlobPeers {
  /**
   * Asks one server for a file from this byte on. Resolves to undefined where it does not have the file; rejects where it
   * cannot be asked. The content rejects where nothing arrives for 10 s.
   */
  fetch(
    server: Address,
    sha256: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<PeerContent | undefined>;
}

/** Where a publisher puts files: one firmware server, whose sidekick and those of the others do the rest. */
export interface BlobUploader {
  /** Such as `https://10.0.0.11:8443`, for messages. */
  readonly name: string;
  /**
   * Puts a file in place under its SHA-256, with this mtime (seconds since the epoch). One that is there already is
   * replaced by the same content. Rejects where the server refuses it or cannot be reached.
   * @param onProgress Called with the number of bytes that have been sent.
   */
  put(
    sha256: string,
    mtime: number,
    content: Uint8Array,
    onProgress: (sent: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** The SHA-256 of the content that the server has under this name, and its ETag; undefined where it has none. */
  readBack(
    sha256: string,
    signal: AbortSignal,
  ): Promise<{ readonly sha256: string; readonly etag: string | undefined } | undefined>;
}

/** A session with one broker. */
export interface BrokerSession {
  /** Resolves when the session has ended, whoever has ended it. */
  readonly ended: Promise<void>;
  /** Has `onMessage` called with the retained and all later messages of topics. Rejects where the broker does not answer. */
  subscribe(topics: readonly string[], signal: AbortSignal): Promise<void>;
  /** Puts a retained message in place of the topic's last one. Rejects where the broker does not acknowledge it. */
  retain(topic: string, payload: string, signal: AbortSignal): Promise<void>;
  /** Ends the session. */
  close(): Promise<void>;
}

/** The MQTT brokers that devices are connected to. */
export interface Brokers {
  /** Begins a session. Rejects where the broker refuses it or cannot be reached. */
  connect(
    broker: Address,
    onMessage: (topic: string, payload: string) => void,
    signal: AbortSignal,
  ): Promise<BrokerSession>;
}

/** What one NGINX has counted of the devices that it offered candidates to. */
export interface OutcomeSource {
  readonly name: string;
  /** Its report; undefined where it counts none. Rejects with NginxError. */
  outcomes(signal: AbortSignal): Promise<OutcomeReport | undefined>;
}
