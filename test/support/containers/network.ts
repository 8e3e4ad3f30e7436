/** A network of its own for each test or demonstration. */
import { randomBytes } from 'node:crypto';
import { getContainerRuntimeClient } from 'testcontainers';
import { ownerLabels } from './owner.js';

export interface TestNetwork extends AsyncDisposable {
  readonly name: string;
  /** Removes the network with all the containers on it. */
  remove(): Promise<void>;
}

/** Starts a network. `prefix` begins its name and those of its containers. */
export async function startNetwork(prefix = 'sidekick-test'): Promise<TestNetwork> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const name = `${prefix}-${randomBytes(3).toString('hex')}`;
  const network = await dockerode.createNetwork({ Name: name, Driver: 'bridge', Labels: ownerLabels() });

  async function remove(): Promise<void> {
    const containers = await dockerode.listContainers({
      all: true,
      filters: { label: [`sidekick.network=${name}`] },
    });
    await Promise.all(
      containers.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true })),
    );
    await network.remove();
  }

  return { name, remove, [Symbol.asyncDispose]: remove };
}
