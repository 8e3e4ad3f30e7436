/** Publishing, offering and spreading in an etcd with access control, with the roles of docs/security.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { NEVER } from '../../../src/async/abort.js';
import { blobPath } from '../../../src/firmware/release.js';
import {
  enableAccessControl,
  firmwareRegistrarPermissions,
  PUBLISHER_PERMISSIONS,
  WATCHER_PERMISSIONS,
} from '../../support/access-control.js';
import type { Output } from '../../support/command-line.js';
import { until } from '../../support/containers/index.js';
import { FakeBlobs, FakePeers } from '../../support/fake-blobs.js';
import { FakeFirmwareNginx } from '../../support/fake-firmware-nginx.js';
import { appImage } from '../../support/firmware-image.js';
import { newOfferer, newSpreader } from './in-process.js';
import { Publishing } from './publishing.js';

const IMAGE = appImage({ version: '1.0.0' });
const OWN = '10.0.0.11:8080';

// The tests build on each other.
describe('an etcd with access control', () => {
  let publishing: Publishing;
  const connections: EtcdConnection[] = [];

  beforeAll(async () => {
    publishing = await Publishing.start();
    await publishing.holdsAll(OWN);
    const roles = {
      publisher: PUBLISHER_PERMISSIONS,
      watcher: WATCHER_PERMISSIONS,
      registrar: firmwareRegistrarPermissions('10.0.0.11'),
    };
    const users = Object.entries(roles).map(([name, permissions]) => ({ name, password: name, permissions }));
    await enableAccessControl(publishing.etcd, users);
    for (const { name } of users) publishing.write(name, `${name}\n`);
    publishing.write('lamp.bin', IMAGE);
  });
  afterAll(async () => {
    for (const connection of connections) connection.close();
    await publishing?.close();
  });

  function connect(name: string): EtcdConnection {
    const auth = { username: name, password: name };
    const connection = connectEtcd({ endpoints: [publishing.etcd.url], auth });
    connections.push(connection);
    return connection;
  }

  function firmware(user: string, ...args: readonly string[]): Promise<Output> {
    return publishing.run(args, {
      SIDEKICK_ETCD_USERNAME: user,
      SIDEKICK_ETCD_PASSWORD_FILE: publishing.path(user),
    });
  }

  it('lets a publisher publish, and do everything with a rollout', async () => {
    for (const args of [
      publishing.publish(publishing.path('lamp.bin'), 'lamp', '1.0.0'),
      ['group', 'lamp', 'bench', '--add', 'lamp-1'],
      ['rollout', 'lamp', '--percent', '10', '--group', 'bench'],
      ['pause', 'lamp'],
      ['resume', 'lamp'],
      ['promote', 'lamp'],
      ...[['list'], ['show', 'lamp'], ['log', 'lamp']],
    ]) {
      expect([args[0], await firmware('publisher', ...args)]).toEqual([
        args[0],
        expect.objectContaining({ code: 0 }),
      ]);
    }
  });

  it.each([
    `/services/firmware/${OWN}`,
    '/services/firmware/10.0.0.99:8080',
    '/sidekick/watchers/w1',
    '/sidekick/drained/w1/firmware/10.0.0.11:8080',
    `/sidekick/maintenance/firmware/${OWN}`,
    '/sidekick/unhold/firmware',
  ])('lets a publisher write nothing else: not %s', async (key) => {
    const { store } = connect('publisher');
    await expect(store.put(key, '{}', {}, NEVER)).rejects.toMatchObject({ code: 'DENIED' });
    await expect(store.remove(key, {}, NEVER)).rejects.toMatchObject({ code: 'DENIED' });
  });

  it.each(['watcher', 'registrar'])('lets a %s change no firmware', async (user) => {
    const { code, err } = await firmware(user, 'group', 'lamp', 'bench', '--add', 'lamp-2');
    expect([code, err]).toEqual([1, expect.stringMatching(/role of this user.* does not permit it/)]);
  });

  it('lets a watcher offer what is published', async () => {
    const stop = new AbortController();
    const nginx = new FakeFirmwareNginx('lb');
    const { reader, store } = connect('watcher');
    const done = newOfferer({ reader, store, nginx: [nginx] }).run(stop.signal);
    await until('it is offered', () => nginx.catalogue('lamp')?.stable?.version === '1.0.0');
    stop.abort();
    await done;
  });

  it("lets the registrar of one host read the other hosts' addresses, and fetch from them", async () => {
    await publishing.etcd.ctl('--user=root:root', 'put', '/services/firmware/10.0.0.12:8080', '');
    const stop = new AbortController();
    const peers = new FakePeers();
    const [store, other] = [new FakeBlobs(), new FakeBlobs()];
    const [[, file] = [], ...more] = [...publishing.upload.files];
    expect(more).toEqual([]);
    const sha256 = other.put(IMAGE, file?.mtime);
    expect([...publishing.upload.files.keys()]).toEqual([blobPath(sha256)]);
    peers.servers.set('10.0.0.12:8080' as never, other);
    const spreader = newSpreader(OWN, { reader: connect('registrar').reader, store, peers });
    const done = spreader.run(stop.signal);
    await until('it has the file', () => store.files.has(sha256) && spreader.notReadyReason() === undefined);
    stop.abort();
    await done;
  });
});
