import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { type Etcd, startEtcd, startNetwork, type TestNetwork } from '../../support/containers/index.js';

const NEVER = new AbortController().signal;

let network: TestNetwork;
let server: Etcd;
let etcd: EtcdConnection;

beforeAll(async () => {
  network = await startNetwork();
  server = await startEtcd(network);
  const auth = { username: 'sidekick-firmware', password: 'one' };
  etcd = connectEtcd({ endpoints: [server.url], auth });
});
afterAll(async () => {
  etcd?.close();
  await network?.remove();
});

async function switchAccessControlOn(): Promise<void> {
  await server.ctl('role', 'add', 'firmware');
  await server.ctl(
    'role',
    'grant-permission',
    'firmware',
    '--prefix=true',
    'readwrite',
    '/services/firmware/',
  );
  await server.ctl('user', 'add', 'sidekick-firmware:one');
  await server.ctl('user', 'grant-role', 'sidekick-firmware', 'firmware');
  await server.ctl('user', 'add', 'root:two');
  await server.ctl('user', 'grant-role', 'root', 'root');
  await server.ctl('auth', 'enable');
}

describe('a user that is configured before etcd has users', () => {
  // A sidekick that had started a moment before `auth enable` never registered: it went on without a token for ever.
  it('is authenticated as soon as access control is switched on', async () => {
    const lease = await etcd.store.grant(60_000, NEVER);
    await etcd.store.put('/services/firmware/10.0.0.1:8080', '{}', { lease }, NEVER);

    await switchAccessControlOn();

    const entries = await etcd.store.list('/services/firmware/', NEVER);
    expect(entries.map(({ key }) => key)).toEqual(['/services/firmware/10.0.0.1:8080']);
    await expect(
      etcd.store.put('/services/mqtt/10.0.0.1:1883', '{}', { lease }, NEVER),
    ).rejects.toMatchObject({ code: 'DENIED' });
  });
});
