// Adds a server to NGINX for each key that is put: etcd3's watch and undici's keep-alive connections, and nothing else.
//
//   node floor-watch.mjs ETCD API CONNECTIONS watch|sync
//
// sync adds what is registered already first.
import { Etcd3 } from 'etcd3';
import { Pool } from 'undici';

const SERVICES = '/services/';
const [, , endpoint, api, connections, mode] = process.argv;
const { origin, pathname } = new URL(api);
const etcd = new Etcd3({ hosts: endpoint });
// A connection that was idle for longer may be closed by NGINX just when it is used again.
const nginx = new Pool(origin, { connections: Number(connections), keepAliveMaxTimeout: 2_500 });

async function add(key) {
  const [service, address] = key.slice(SERVICES.length).split('/');
  const { body } = await nginx.request({
    method: 'POST',
    path: `${pathname}/9/http/upstreams/${service}/servers`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ server: address }),
  });
  await body.dump();
}

async function addRegistered() {
  const { kvs, header } = await etcd.getAll().prefix(SERVICES).exec();
  await Promise.all(kvs.map(({ key }) => add(key.toString())));
  return String(BigInt(header.revision) + 1n);
}

const watch = etcd.watch().prefix(SERVICES);
if (mode === 'sync') watch.startRevision(await addRegistered());
const watcher = await watch.create();
watcher.on('put', ({ key }) => void add(key.toString()));
