/** What a container has used, by the engine. */
import { getContainerRuntimeClient } from 'testcontainers';

interface Stats {
  readonly cpu_stats: { readonly cpu_usage: { readonly total_usage: number } };
  readonly memory_stats: { readonly usage: number; readonly stats?: Readonly<Record<string, number>> };
}

async function statsOf(id: string): Promise<Stats> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  return (await dockerode.getContainer(id).stats({ stream: false, 'one-shot': true })) as unknown as Stats;
}

/** CPU time of all its processes so far, in ms. */
export async function containerCpu(id: string): Promise<number> {
  return (await statsOf(id)).cpu_stats.cpu_usage.total_usage / 1e6;
}

/** Memory of all its processes in bytes, without the page cache that can be given back. */
export async function containerMemory(id: string): Promise<number> {
  const { usage, stats = {} } = (await statsOf(id)).memory_stats;
  return usage - (stats.total_inactive_file ?? stats.inactive_file ?? 0);
}
