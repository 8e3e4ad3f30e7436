/** What the scenes of the demonstration work with. */
import type { Cluster } from '../support/containers/cluster.js';
import { until } from '../support/containers/index.js';
import type { Ledger } from '../support/report/ledger.js';
import type { Expectations } from '../support/traffic/expectations.js';
import type { HttpLoad } from '../support/traffic/http-load.js';
import type { MqttLoad } from '../support/traffic/mqtt-load.js';
import type { FirmwareSide } from './firmware-side.js';

export interface Stage {
  readonly cluster: Cluster;
  readonly http: HttpLoad;
  readonly mqtt: MqttLoad;
  readonly firmware: FirmwareSide;
  readonly expectations: Expectations;
  readonly ledger: Ledger;
}

export interface Scene {
  readonly title: string;
  readonly play: (stage: Stage) => Promise<void>;
}

/** Resolves when NGINX has just these servers in the group of a kind. */
export async function waitForServers(
  cluster: Cluster,
  kind: 'http' | 'stream',
  names: readonly string[],
): Promise<void> {
  const wanted = names.toSorted((a, b) => a.localeCompare(b)).join(', ');
  await until(`NGINX has ${wanted}`, async () => (await cluster.serverNames(kind)).join(', ') === wanted, {
    timeoutMs: 180_000,
  });
}
