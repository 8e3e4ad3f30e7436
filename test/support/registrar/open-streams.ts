import type { Etcd } from '../containers/index.js';

/** How many calls of a gRPC method etcd has open now, by its own metrics. */
export async function openStreams(etcd: Etcd, method: string): Promise<number> {
  const metrics = await (await fetch(`${etcd.url}/metrics`)).text();
  const sum = (name: string) =>
    [...metrics.matchAll(new RegExp(`^${name}\\{[^}]*grpc_method="${method}"[^}]*\\} (\\S+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  return sum('grpc_server_started_total') - sum('grpc_server_handled_total');
}
