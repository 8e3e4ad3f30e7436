import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { type Etcd, startEtcd, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { SecureEtcd } from '../../support/registrar/secure-etcd.js';

const NEVER = new AbortController().signal;
const KEY = '/services/firmware/10.0.0.1:8080';
const AUTH = { username: 'sidekick-firmware', password: 'one' };

let network: TestNetwork;
let plain: Etcd;
let secure: SecureEtcd;

beforeAll(async () => {
  network = await startNetwork();
  [plain, secure] = await Promise.all([startEtcd(network), SecureEtcd.start(network)]);
});
afterAll(async () => {
  await network?.remove();
  secure?.authority[Symbol.dispose]();
});

async function switchAccessControlOn(ctl: (...args: string[]) => Promise<string>): Promise<void> {
  await ctl('role', 'add', 'firmware');
  await ctl('role', 'grant-permission', 'firmware', '--prefix=true', 'readwrite', '/services/firmware/');
  await ctl('user', 'add', 'sidekick-firmware:one');
  await ctl('user', 'grant-role', 'sidekick-firmware', 'firmware');
  await ctl('user', 'add', 'root:two');
  await ctl('user', 'grant-role', 'root', 'root');
  await ctl('auth', 'enable');
}

// A sidekick that had started a moment before `auth enable` never registered: it went on without a token for ever.
describe('a user that is configured before etcd has users', () => {
  async function expectToGoOn(
    etcd: EtcdConnection,
    ctl: (...args: string[]) => Promise<string>,
  ): Promise<void> {
    const lease = await etcd.store.grant(60_000, NEVER);
    await etcd.store.put(KEY, '{}', { lease }, NEVER);

    await switchAccessControlOn(ctl);

    const entries = await etcd.store.list('/services/firmware/', NEVER);
    expect(entries.map(({ key }) => key)).toEqual([KEY]);
    const foreign = etcd.store.put('/services/mqtt/10.0.0.1:1883', '{}', { lease }, NEVER);
    await expect(foreign).rejects.toMatchObject({ code: 'DENIED' });
    etcd.close();
  }

  it('is authenticated as soon as access control is switched on', async () => {
    await expectToGoOn(connectEtcd({ endpoints: [plain.url], auth: AUTH }), (...args) => plain.ctl(...args));
  });

  // etcd then takes the certificate's name for the user, and says "permission denied" instead of "user name is empty".
  it('is authenticated too where it has a client certificate of another name', async () => {
    const options = secure.options('node1', { auth: AUTH });
    await expectToGoOn(connectEtcd(options), (...args) => secure.ctl(...args));
  });
});
