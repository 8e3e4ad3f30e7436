/** Publishing, offering and spreading in an etcd with access control, with the roles of docs/security.md. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { NEVER } from '../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { Offerer } from '../../../src/daemon/firmware/offerer.js';
import { Spreader } from '../../../src/daemon/firmware/spreader.js';
import { blobPath } from '../../../src/firmware/release.js';
import { decode } from '../../../src/firmware/shared/catalogue.js';
import {
  enableAccessControl,
  firmwareRegistrarPermissions,
  PUBLISHER_PERMISSIONS,
  WATCHER_PERMISSIONS,
} from '../../support/access-control.js';
import { type Output, runCommand } from '../../support/command-line.js';
import {
  type Etcd,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { FakeBlobs, FakePeers } from '../../support/fake-blobs.js';
import { FakeKeyvals } from '../../support/fake-keyvals.js';
import { appImage } from '../../support/firmware-image.js';
import { recordingLog, recordingMeter } from '../../support/silent.js';
import { UploadServer } from '../../support/upload-server.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const IMAGE = appImage({ version: '1.0.0' });
const OWN = '10.0.0.11:8080';

// The tests build on each other.
describe('an etcd with access control', () => {
  let network: TestNetwork;
  let etcd: Etcd;
  let upload: UploadServer;
  let directory: string;
  const connections: EtcdConnection[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'access-'));
    network = await startNetwork();
    [etcd, upload] = await Promise.all([startEtcd(network), UploadServer.start()]);
    // A sidekick that holds whatever there is.
    await etcd.put(`/services/firmware/${OWN}`, '{"meta":{"firmware":"9007199254740991"}}');
    const roles = {
      publisher: PUBLISHER_PERMISSIONS,
      watcher: WATCHER_PERMISSIONS,
      registrar: firmwareRegistrarPermissions('10.0.0.11'),
    };
    const users = Object.entries(roles).map(([name, permissions]) => ({ name, password: name, permissions }));
    await enableAccessControl(etcd, users);
    for (const { name } of users) writeFileSync(path.join(directory, name), `${name}\n`);
    writeFileSync(path.join(directory, 'lamp.bin'), IMAGE);
  });
  afterAll(async () => {
    for (const connection of connections) connection.close();
    upload?.close();
    await network?.remove();
    rmSync(directory, { recursive: true });
  });

  function connect(name: string): EtcdConnection {
    const auth = { username: name, password: name };
    const connection = connectEtcd({ endpoints: [etcd.url], auth });
    connections.push(connection);
    return connection;
  }

  function firmware(user: string, ...args: readonly string[]): Promise<Output> {
    return runCommand(['firmware', ...args], {
      SIDEKICK_ETCD_ENDPOINTS: etcd.url,
      SIDEKICK_ETCD_USERNAME: user,
      SIDEKICK_ETCD_PASSWORD_FILE: path.join(directory, user),
    });
  }

  it('lets a publisher publish, and do everything with a rollout', async () => {
    const publish = ['publish', path.join(directory, 'lamp.bin'), '--type', 'lamp', '--version', '1.0.0'];
    for (const args of [
      [...publish, '--upload-url', upload.url],
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
    const nginx = Object.assign(new FakeKeyvals('firmware'), { name: 'lb' });
    const options = { prefixes: PREFIXES, service: 'firmware', origin: 'https://ota.example.com' };
    const { reader, store } = connect('watcher');
    const done = new Offerer(options, {
      reader,
      store,
      nginx: [nginx],
      ...{ log: recordingLog(), meter: recordingMeter() },
      wallClock: Date.now,
    }).run(stop.signal);
    const stable = () => decode(nginx.zones.get('firmware')?.get('lamp') ?? '')?.stable?.version;
    await until('it is offered', () => stable() === '1.0.0');
    stop.abort();
    await done;
  });

  it("lets the registrar of one host read the other hosts' addresses, and fetch from them", async () => {
    await etcd.ctl('--user=root:root', 'put', '/services/firmware/10.0.0.12:8080', '');
    const stop = new AbortController();
    const peers = new FakePeers();
    const [store, other] = [new FakeBlobs(), new FakeBlobs()];
    const [[, file] = [], ...more] = [...upload.files];
    expect(more).toEqual([]);
    const sha256 = other.put(IMAGE, file?.mtime);
    expect([...upload.files.keys()]).toEqual([blobPath(sha256)]);
    peers.servers.set('10.0.0.12:8080' as never, other);
    const spreader = new Spreader(
      { prefixes: PREFIXES, service: 'firmware' },
      {
        ...{
          reader: connect('registrar').reader,
          store,
          peers,
          log: recordingLog(),
          meter: recordingMeter(),
        },
        clock: () => performance.now(),
        isOwn: (address) => address === OWN,
      },
    );
    const done = spreader.run(stop.signal);
    await until('it has the file', () => store.files.has(sha256) && spreader.notReadyReason() === undefined);
    stop.abort();
    await done;
  });
});
