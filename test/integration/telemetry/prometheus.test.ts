/** The alert rules and the scrape configuration in Prometheus's own tool. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';

const FILES = ['alerts.yaml', 'alerts.test.yaml', 'prometheus.yaml'];

let network: TestNetwork;
let prometheus: Container;

beforeAll(async () => {
  network = await startNetwork();
  const read = (name: string) =>
    readFileSync(new URL(`../../../docker/prometheus/${name}`, import.meta.url), 'utf8');
  const files = Object.fromEntries(FILES.map((name) => [`/tmp/rules/${name}`, read(name)]));
  prometheus = await startContainer({
    image: 'sidekick-prometheus',
    name: 'prometheus',
    network,
    files,
    entrypoint: ['tini', '--', 'sleep', 'infinity'],
    command: [],
  });
});

afterAll(() => network?.remove());

async function promtool(...args: string[]): Promise<string> {
  const { exitCode, output } = await prometheus.exec(['promtool', ...args]);
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  return output;
}

describe('docker/prometheus', () => {
  it('passes the checks of promtool, and its own tests', async () => {
    expect(await promtool('check', 'rules', '/tmp/rules/alerts.yaml')).toContain('SUCCESS');
    expect(await promtool('check', 'config', '/tmp/rules/prometheus.yaml')).toContain('SUCCESS');
    expect(await promtool('test', 'rules', '/tmp/rules/alerts.test.yaml')).toContain('SUCCESS');
  });
});
