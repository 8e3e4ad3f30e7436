import { setTimeout as delay } from 'node:timers/promises';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import { startEtcd, startNetwork } from '../../support/containers/index.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { describeRegistry } from './suite.js';

describeRegistry('etcd', async () => {
  const network = await startNetwork();
  const etcd = await startEtcd(network);
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(etcd.url).port) });
  const connection = connectEtcd({ endpoints: [proxy.address] });
  return {
    ...connection,
    interrupt: () => proxy.refuse(),
    resume: () => proxy.heal(),
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
