/** What systemd says of the units: the one of the hosts that they are written for. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';

const UNITS = fileURLToPath(new URL('../../../units', import.meta.url));

let network: TestNetwork;
let host: Container;

beforeAll(async () => {
  network = await startNetwork();
  host = await startContainer({
    image: 'sidekick-host',
    name: 'host',
    network,
    entrypoint: ['sleep'],
    command: ['infinity'],
    binds: { '/units': UNITS },
  });
});

afterAll(() => network?.remove());

/** What `systemd-analyze security` gives, of 10; more means more that a program taken over could do. */
async function exposure(unit: string): Promise<number> {
  const options = ['--offline=true', '--no-pager', '--threshold=100'];
  const { output } = await host.exec(['systemd-analyze', 'security', ...options, `/units/${unit}`]);
  const level = /Overall exposure level for .*: ([\d.]+)/.exec(output)?.[1];
  if (level === undefined) throw new Error(`systemd-analyze gives no exposure level for ${unit}: ${output}`);
  return Number(level);
}

// docs/security.md says what remains, and what it would take to come lower.
it.each([
  ['sidekick@.service', 1.8],
  ['sidekick-watch.service', 1.8],
  ['firmware@.service', 1.8],
  ['loadbalancer.service', 2.3],
])('the unit %s is exposed by at most %d', async (unit, most) => {
  expect(await exposure(unit)).toBeLessThanOrEqual(most);
});
