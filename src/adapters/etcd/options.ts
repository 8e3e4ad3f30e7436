import type { Tls } from '../../core/tls.js';

/** How long one call may take unless configured otherwise, in ms. */
export const DEFAULT_REQUEST_TIMEOUT = 2_000;

/** How often everything that is watched is read again unless configured otherwise, in ms. */
export const DEFAULT_RESYNC = 30_000;

/** How to reach one etcd cluster. */
export interface EtcdOptions {
  /**
   * Members of one cluster: `host:port`, `http://host:port` or `https://host:port`. One is used at a time; the next one
   * takes over when it fails.
   */
  readonly endpoints: readonly string[];
  /** Used with `https://` endpoints, and then optional. */
  readonly tls?: Tls;
  /** A user of etcd's own; a client certificate's common name does without. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** How long one call may take, in ms; default 2000. */
  readonly requestTimeout?: number;
  /** How often an idle connection is tested while something waits on it, in ms; default 6000 (etcd forbids less than 5000). */
  readonly keepAliveInterval?: number;
  /** How long such a test may take, in ms; default 2000. */
  readonly keepAliveTimeout?: number;
  /** How often what is followed is read again in full, whatever the watch says, in ms; default 30 000. */
  readonly resync?: number;
  /** How long a watch may be silent although asked for its progress before it is doubted, in ms; default 10 000. */
  readonly stall?: number;
}
