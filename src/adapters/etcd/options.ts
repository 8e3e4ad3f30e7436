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
  /** The user to log in as; not needed where etcd takes the user from the common name of the client certificate. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** How long one call may take, in ms; default 2000. */
  readonly requestTimeout?: number;
  /** How often a connection is pinged while a call or a watch waits on it, in ms; default 6000 (etcd forbids less than 5000). */
  readonly keepAliveInterval?: number;
  /** How long the answer to such a ping may take, in ms; default 2000. */
  readonly keepAliveTimeout?: number;
  /** How often everything that is watched is read again, whatever the watch says, in ms; default 30 000. */
  readonly resync?: number;
  /** How long a watch may send nothing, although it was asked for its progress, before it is begun anew, in ms; default 10 000. */
  readonly stall?: number;
}
