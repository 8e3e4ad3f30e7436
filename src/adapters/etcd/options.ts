/** TLS to etcd; PEM contents, not paths. */
export interface EtcdTls {
  /** The authorities that may have signed etcd's certificate; default: those of Node.js. */
  readonly ca?: Buffer;
  /** A client certificate with its chain, and its key. Both or neither. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The name to expect in etcd's certificate where it is not the endpoint's host. */
  readonly serverName?: string;
}

export interface EtcdOptions {
  /**
   * Members of one cluster: `host:port`, `http://host:port` or `https://host:port`. One is used at a time; the next one
   * takes over when it fails.
   */
  readonly endpoints: readonly string[];
  /** Used with `https://` endpoints, and then optional. */
  readonly tls?: EtcdTls;
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
