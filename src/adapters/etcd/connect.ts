import type { RegistryClient, RegistryReader } from '../../core/ports.js';
import { Cluster } from './cluster.js';
import type { EtcdOptions } from './options.js';
import { EtcdReader } from './reader.js';
import { EtcdStore } from './store.js';

/** etcd as the daemons need it. */
export interface EtcdConnection {
  readonly reader: RegistryReader;
  readonly store: RegistryClient;
  /** Takes other options: calls from now on go over new connections with them, and everything that is watched is read anew. */
  renew(options: EtcdOptions): void;
  /** Ends every connection. Abort what is under way first: calls after this fail. */
  close(): void;
}

/** Prepares connections to an etcd cluster; nothing is sent before the first call. Throws EtcdError on bad options. */
export function connectEtcd(options: EtcdOptions): EtcdConnection {
  const cluster = new Cluster(options);
  return {
    reader: new EtcdReader(cluster),
    store: new EtcdStore(cluster),
    renew: (next) => cluster.renew(next),
    close: () => cluster.close(),
  };
}
