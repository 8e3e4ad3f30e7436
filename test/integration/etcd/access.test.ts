import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../../src/adapters/etcd/options.js';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_KEY_PREFIXES, watcherKey } from '../../../src/core/keys.js';
import { cancelDrain, requestDrain } from '../../../src/daemon/drain/operator.js';
import { enableAccessControl, registrarPermissions } from '../../support/access-control.js';
import { Authority } from '../../support/certificates.js';
import {
  type Etcd,
  startContainer,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { Recorder } from '../../support/recorder.js';
import { NEVER, run, serviceSpec } from '../../support/registrar/harness.js';
import { SecureEtcd } from '../../support/registrar/secure-etcd.js';

const KEY = '/services/firmware/10.0.0.1:8080';

/** Checking a password takes this etcd half a second and more. */
const SLOW_LOGIN = ['--advertise-client-urls=http://127.0.0.1:2379', '--unsafe-no-fsync', '--bcrypt-cost=13'];

let network: TestNetwork;
let etcd: SecureEtcd;

beforeAll(async () => {
  network = await startNetwork();
  etcd = await SecureEtcd.start(network);
});
afterAll(async () => {
  await network?.remove();
  etcd?.authority[Symbol.dispose]();
});

async function withEtcd<T>(
  options: EtcdOptions,
  use: (etcd: ReturnType<typeof connectEtcd>) => Promise<T>,
): Promise<T> {
  const connection = connectEtcd(options);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

const list = (options: EtcdOptions, prefix = '/services/') =>
  withEtcd(options, ({ store }) => store.list(prefix, NEVER));

describe('a password', () => {
  it('is awaited while etcd checks it, for longer than the time limit of a call', async () => {
    const slow = await startContainer({
      image: 'sidekick-etcd',
      name: 'slow-etcd',
      network,
      command: SLOW_LOGIN,
      ports: [2379],
    });
    const endpoints = [`http://127.0.0.1:${slow.port(2379)}`];
    const connected = await until('etcd answers', () => list({ endpoints }));
    expect(connected).toEqual([]);
    for (const command of ['user add root:secret', 'user grant-role root root', 'auth enable']) {
      const { exitCode, output } = await slow.exec([
        'etcdctl',
        '--command-timeout=60s',
        ...command.split(' '),
      ]);
      expect([exitCode, output]).toEqual([0, output]);
    }

    const auth = { username: 'root', password: 'secret' };
    await expect(list({ endpoints, auth, requestTimeout: 250 })).resolves.toEqual([]);
  });
});

describe('TLS to etcd', () => {
  it('connects with a client certificate', async () => {
    await expect(list(etcd.options('sidekick'))).resolves.toEqual([]);
  });

  it('does not connect without a certificate, or with a certificate of another authority', async () => {
    const { ca } = etcd.authority;
    using other = new Authority();
    await expect(list({ endpoints: [etcd.endpoint], tls: { ca } })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    await expect(
      list({ endpoints: [etcd.endpoint], tls: { ca, ...other.issue('sidekick') } }),
    ).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
  });

  it('does not trust an etcd with a certificate of another authority', async () => {
    using other = new Authority();
    const tls = { ...etcd.authority.issue('sidekick'), ca: other.ca };
    await expect(list({ endpoints: [etcd.endpoint], tls })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/certificate/) as string,
    });
  });

  it('expects the given server name', async () => {
    const endpoints = [etcd.endpoint];
    const tls = { ca: etcd.authority.ca, ...etcd.authority.issue('sidekick') };
    await expect(list({ endpoints, tls: { ...tls, serverName: 'localhost' } })).resolves.toEqual([]);
    await expect(list({ endpoints, tls: { ...tls, serverName: 'elsewhere' } })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
  });
});

// The tests of this group build on each other's users.
describe('users and roles', () => {
  beforeAll(() =>
    enableAccessControl(etcd, [
      {
        name: 'sidekick',
        password: 'secret-of-sidekick',
        permissions: registrarPermissions('firmware'),
      },
      {
        name: 'watcher',
        password: 'secret-of-watcher',
        permissions: [
          ['read', '/services/'],
          ['readwrite', '/sidekick/'],
        ],
      },
    ]),
  );

  /** By password, with a certificate that says nobody in particular: etcd takes the token before the certificate. */
  function byPassword(username: string, password = `secret-of-${username}`): EtcdOptions {
    return etcd.options('nobody', { auth: { username, password } });
  }

  describe.each([
    ['a password', (user: string) => byPassword(user)],
    ['a certificate', (user: string) => etcd.options(user)],
  ] as const)('a client with %s', (_, as) => {
    it('registers, is drained and leaves', async () => {
      const watcher = connectEtcd(as('watcher'));
      const lease = await watcher.store.grant(60_000, NEVER);
      const presence = JSON.stringify({ nginx: [], upstreams: [], services: ['firmware'] });
      await watcher.store.put(watcherKey(DEFAULT_KEY_PREFIXES, 'lb'), presence, { lease }, NEVER);
      await using running = run({ etcd: as('sidekick'), services: [serviceSpec()] });
      await until('it is registered', () => running.registrar.status().ready);

      const stopped = running.stop();
      const drain = await until('it asks to be drained', async () => {
        const entry = (await watcher.store.read([KEY], NEVER)).get(KEY);
        return entry?.value.includes('drain') && entry;
      });
      const answer = '/sidekick/drained/firmware/10.0.0.1:8080/lb';
      await watcher.store.put(answer, String(drain.revision), { lease }, NEVER);
      await stopped;

      expect(running.log.events('drain-finished')).toHaveLength(1);
      expect(running.log.events('lease-revoked')).toHaveLength(1);
      await watcher.store.revoke(lease, NEVER);
      watcher.close();
    });

    it('is refused the key of another service, and continues with its own', async () => {
      const services = [serviceSpec(), serviceSpec({ service: 'mqtt', address: '10.0.0.1:1883' })];
      await using running = run({ etcd: as('sidekick'), services });
      await until('both have been tried', () =>
        running.registrar.status().services.every(({ key }) => key === 'registered' || key === 'refused'),
      );

      expect(running.registrar.status().services.map(({ service, key }) => [service, key])).toEqual([
        ['firmware', 'registered'],
        ['mqtt', 'refused'],
      ]);
      expect(running.log.events('key-refused')).toHaveLength(1);
    });

    it('is refused control keys as a registrar, and registrations as a watcher', async () => {
      const instance = { service: 'firmware', address: '10.0.0.1:8080' as Address };
      await withEtcd(as('sidekick'), async (connection) => {
        const options = { ...connection, prefixes: DEFAULT_KEY_PREFIXES };
        await expect(requestDrain(instance, {}, options, NEVER)).rejects.toMatchObject({
          code: 'DENIED',
          retryable: false,
        });
      });
      await withEtcd(as('watcher'), async (connection) => {
        const options = { ...connection, prefixes: DEFAULT_KEY_PREFIXES };
        await expect(connection.store.put(KEY, '{}', {}, NEVER)).rejects.toMatchObject({ code: 'DENIED' });
        await requestDrain(instance, {}, options, NEVER);
        await expect(cancelDrain(instance, options, NEVER)).resolves.toEqual({});
      });
    });
  });

  it('a registrar whose role is cut down logs all that etcd refuses it, and ends', async () => {
    const grant = (kind: string) =>
      etcd.ctl('role', 'grant-permission', 'leaving', '--prefix=true', kind, '/services/leaving/');
    await etcd.ctl('role', 'add', 'leaving');
    await grant('readwrite');
    await etcd.ctl('user', 'add', 'leaving:secret-of-leaving');
    await etcd.ctl('user', 'grant-role', 'leaving', 'leaving');
    const services = [serviceSpec({ service: 'leaving' })];
    await using running = run({ etcd: byPassword('leaving'), services, drainTimeout: 1000 });
    await until('it is registered', () => running.registrar.status().ready);

    await grant('read');
    await running.stop();

    for (const event of ['drain-watchers-unknown', 'drain-refused', 'key-abandoned']) {
      expect(running.log.events(event)).toHaveLength(1);
    }
  });

  it('reports a wrong password, and does not retry it within the call', async () => {
    await expect(list(byPassword('sidekick', 'wrong'))).rejects.toMatchObject({
      code: 'AUTH_FAILED',
      retryable: false,
    });
  });

  it('reports that the user does not exist', async () => {
    await expect(list(etcd.options('nobody'))).rejects.toMatchObject({ name: 'EtcdError' });
  });

  it('renews an expired token, for calls and for watches', async () => {
    const connection = connectEtcd({ ...byPassword('watcher'), resync: 3000 });
    const stop = new AbortController();
    const seen = new Recorder();
    const done = connection.reader.watch(['/sidekick/'], seen, stop.signal);
    await connection.store.put('/sidekick/a', '1', {}, NEVER);
    await seen.has({ '/sidekick/a': '1' });

    // This etcd forgets a token that was not used for 2 s. To ask whether it has would use the token: time has to pass.
    for (const value of ['2', '3']) {
      await new Promise((resolve) => setTimeout(resolve, 4500));
      await connection.store.put('/sidekick/a', value, {}, NEVER);
      await seen.has({ '/sidekick/a': value });
    }

    expect(seen.outages).toEqual([]);
    stop.abort();
    await done;
    await connection.store.remove('/sidekick/a', {}, NEVER);
    connection.close();
  });

  it('renews the token after the roles have changed', async () => {
    await withEtcd(byPassword('sidekick'), async ({ store }) => {
      await store.list('/services/firmware/', NEVER);
      await etcd.ctl('role', 'add', 'unrelated');
      await expect(store.list('/services/firmware/', NEVER)).resolves.toEqual([]);
    });
  });
});

// A sidekick that had started a moment before `auth enable` never registered: it went on without a token for ever.
describe('a user that is configured before etcd has users', () => {
  const USER = {
    name: 'sidekick-firmware',
    password: 'one',
    permissions: [['readwrite', '/services/firmware/']],
  } as const;
  const AUTH = { username: USER.name, password: USER.password };
  let own: TestNetwork;

  beforeAll(async () => {
    own = await startNetwork();
  });
  afterAll(() => own?.remove());

  async function expectToGoOn(server: Etcd | SecureEtcd, options: EtcdOptions): Promise<void> {
    await withEtcd(options, async ({ store }) => {
      const lease = await store.grant(60_000, NEVER);
      await store.put(KEY, '{}', { lease }, NEVER);

      await enableAccessControl(server, [USER]);

      const keys = await store.list('/services/firmware/', NEVER);
      expect(keys.map(({ key }) => key)).toEqual([KEY]);
      const another = store.put('/services/mqtt/10.0.0.1:1883', '{}', { lease }, NEVER);
      await expect(another).rejects.toMatchObject({ code: 'DENIED' });
    });
  }

  it('is authenticated as soon as access control is enabled', async () => {
    const plain = await startEtcd(own);
    await expectToGoOn(plain, { endpoints: [plain.url], auth: AUTH });
  });

  // etcd then takes the certificate's name for the user, and says "permission denied" instead of "user name is empty".
  it('is authenticated even if its client certificate has another name', async () => {
    const secure = await SecureEtcd.start(own);
    using _ = secure.authority;
    await expectToGoOn(secure, secure.options('node1', { auth: AUTH }));
  });
});
