/** TLS to a server: etcd, an NGINX API or a probed service. PEM contents, not paths. */
export interface Tls {
  /** The authorities that may have signed the server's certificate; default: those of Node.js. */
  readonly ca?: Buffer;
  /** A client certificate with its chain, and its key. Both or neither. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The name to expect in the server's certificate; default: the host. */
  readonly serverName?: string;
}
