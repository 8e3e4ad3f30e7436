import { type Etcd, startEtcd } from './etcd.js';
import { type Gateway, startGateway } from './gateway.js';
import { startNetwork, type TestNetwork } from './network.js';

export interface Parts {
  readonly network: TestNetwork;
  readonly etcd: Etcd;
  readonly gateway: Gateway;
}

/** Starts etcd, a gateway, and what `more` starts beside them, in a network of their own. To remove the network ends all of it. */
export async function startParts<T extends object = object>(
  more?: (network: TestNetwork) => Promise<T>,
): Promise<Parts & T> {
  const network = await startNetwork();
  try {
    const [etcd, gateway, others] = await Promise.all([
      startEtcd(network),
      startGateway(network),
      more?.(network) ?? ({} as T),
    ]);
    return { network, etcd, gateway, ...others };
  } catch (error) {
    await network.remove();
    throw error;
  }
}
