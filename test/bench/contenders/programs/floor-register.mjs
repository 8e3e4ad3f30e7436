// Puts a key under a lease and keeps it alive: etcd3's lease, and nothing else.
//
//   node floor-register.mjs ETCD KEY
import { Etcd3 } from 'etcd3';

const TTL_SECONDS = 15;
const [, , endpoint, key] = process.argv;
const etcd = new Etcd3({ hosts: endpoint });
await etcd.lease(TTL_SECONDS).put(key).value('{}');
