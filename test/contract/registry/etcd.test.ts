import { setTimeout as delay } from 'node:timers/promises';
import { describe } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../../src/adapters/etcd/options.js';
import { type EtcdUser, enableAccessControl } from '../../support/access-control.js';
import { type Etcd, startEtcd, startNetwork, until } from '../../support/containers/index.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { describeRefusal, describeRegistry } from './suite.js';

describeRegistry('etcd', async () => {
  const network = await startNetwork();
  const etcd = await startEtcd(network);
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(etcd.url).port) });
  const connection = connectEtcd({ endpoints: [proxy.address] });
  return {
    ...connection,
    interrupt: () => proxy.refuse(),
    resume: () => proxy.heal(),
    // A lease ends by etcd's own clock.
    pass: async (ms) => {
      await delay(ms);
    },
    async close() {
      connection.close();
      await proxy.close();
      await network.remove();
    },
  };
});

/** An etcd of its own, made to refuse, and how it is then connected to. */
async function refusingEtcd(
  args: readonly string[],
  readable: boolean,
  prepare: (etcd: Etcd) => Promise<Omit<EtcdOptions, 'endpoints'>>,
) {
  const network = await startNetwork();
  const etcd = await startEtcd(network, 'etcd', ...args);
  const connection = connectEtcd({ endpoints: [etcd.url], ...(await prepare(etcd)) });
  return {
    ...connection,
    readable,
    async close() {
      connection.close();
      await network.remove();
    },
  };
}

/** A user whose role allows nothing but one prefix. */
const LIMITED: EtcdUser = {
  name: 'limited',
  password: 'right',
  permissions: [['readwrite', '/services/']],
};

describe('an etcd that refuses', () => {
  describeRefusal('since its store is full', 'NO_SPACE', () =>
    refusingEtcd(['--quota-backend-bytes=1000000'], true, async (etcd) => {
      await until('it is full', async () => {
        const full = await etcd.put('/fill', 'x'.repeat(100_000)).then(
          () => false,
          () => true,
        );
        return full && (await etcd.ctl('alarm', 'list')).includes('NOSPACE');
      });
      return {};
    }),
  );

  describeRefusal('since the role does not allow it', 'DENIED', () =>
    refusingEtcd([], false, async (etcd) => {
      await enableAccessControl(etcd, [LIMITED]);
      return { auth: { username: 'limited', password: 'right' } };
    }),
  );

  describeRefusal('since the password is wrong', 'AUTH_FAILED', () =>
    refusingEtcd([], false, async (etcd) => {
      await enableAccessControl(etcd, [LIMITED]);
      return { auth: { username: 'limited', password: 'wrong' } };
    }),
  );
});
