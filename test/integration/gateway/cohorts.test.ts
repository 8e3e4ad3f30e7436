/** Ten thousand devices ask two real gateways, and each is answered as TypeScript says. */
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderCatalogue } from '../../../src/firmware/catalogue.js';
import { READY_KEY, typeKey } from '../../../src/firmware/shared/catalogue.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { cohort, DEVICE_IDS } from '../../support/firmware-cohorts.js';
import { type FullGateway, startFullGateway } from './gateway.js';

const AUTHOR = { by: 'root@lb1', at: '2026-11-27T12:00:00.000Z' };
const CONNECTIONS = 16;

/** One rollout for each of these. */
const ROLLOUTS = [
  { type: 'tenth', salt: 'toaster-1.3.0', percent: 10 },
  { type: 'quarter', salt: 'toaster-1.3.0', percent: 25 },
  { type: 'other', salt: 'toaster-1.3.1', percent: 10 },
] as const;

function release(version: string) {
  const plain = { sha256: '1'.repeat(64), md5: '1'.repeat(32), size: 1_000_000 };
  const image = { chip: 'esp32', secureBoot: 'none' as const };
  return { version, publishedAt: AUTHOR.at, publishedBy: AUTHOR.by, plain, image };
}

const ZONE = new Map([[READY_KEY, '1']]);
for (const { type, ...candidate } of ROLLOUTS) {
  const value = renderCatalogue({
    type,
    record: { chip: 'esp32', forms: ['text'] },
    rollout: {
      ...AUTHOR,
      stable: '1.0.0',
      candidate: { ...candidate, version: '1.1.0', groups: [] },
      downgrade: false,
      secureVersion: 0,
    },
    releases: new Map(['1.0.0', '1.1.0'].map((version) => [version, release(version)])),
    origin: 'https://ota.example.com',
    revision: 100,
  });
  if (value.ok) ZONE.set(typeKey(type), value.value);
}

let network: TestNetwork;
let gateways: FullGateway[];

beforeAll(async () => {
  network = await startNetwork();
  gateways = await Promise.all(
    ['first', 'second'].map((name) => startFullGateway(network, undefined, { name })),
  );
  for (const { api } of gateways) {
    const { status } = await api.call('POST', '/http/keyvals/firmware', Object.fromEntries(ZONE));
    expect(status).toBe(201);
  }
});

afterAll(async () => {
  await network?.remove();
});

/** The devices that are offered the candidate. */
async function chosen(gateway: FullGateway, type: string): Promise<ReadonlySet<string>> {
  const pool = new Pool(`https://127.0.0.1:${gateway.port('https')}`, {
    connections: CONNECTIONS,
    connect: { rejectUnauthorized: false },
  });
  const found = new Set<string>();
  const waiting = [...DEVICE_IDS];
  const askInTurn = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const path = `/ota/${type}/version?id=${encodeURIComponent(id)}`;
      const { statusCode, body } = await pool.request({ method: 'GET', path });
      const version = await body.text();
      expect(statusCode).toBe(200);
      if (version === '1.1.0') found.add(id);
      else expect(version).toBe('1.0.0');
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, askInTurn));
  await pool.close();
  return found;
}

describe('a gateway that 10,000 devices ask', () => {
  let tenth: ReadonlySet<string>;

  it('gives the candidate to between 9 % and 11 % at 10 %: to the ones that TypeScript names', async () => {
    tenth = await chosen(gateways[0] as FullGateway, 'tenth');
    expect(tenth.size).toBeGreaterThanOrEqual(900);
    expect(tenth.size).toBeLessThanOrEqual(1_100);
    expect(tenth).toEqual(cohort('toaster-1.3.0', 10));
  });

  it('gives it to the same ones as another gateway does, also when that was started again', async () => {
    const second = gateways[1] as FullGateway;
    expect(await chosen(second, 'tenth')).toEqual(tenth);
    await second.container.stop();
    await second.container.start();
    const port = () => second.api.get('/http/keyvals/firmware');
    await until('the zone is loaded', async () => (await port()).body[READY_KEY] === '1');
    expect(await chosen(second, 'tenth')).toEqual(tenth);
  });

  it('lets them keep it at 25 %', async () => {
    const quarter = await chosen(gateways[0] as FullGateway, 'quarter');
    expect(quarter).toEqual(cohort('toaster-1.3.0', 25));
    expect([...tenth].filter((id) => !quarter.has(id))).toEqual([]);
  });

  it('gives another release to others: of 1,000 each about 100 are in both', async () => {
    const other = await chosen(gateways[1] as FullGateway, 'other');
    expect(other).toEqual(cohort('toaster-1.3.1', 10));
    const both = [...other].filter((id) => tenth.has(id)).length;
    // Three standard deviations of what independence gives.
    expect(both).toBeGreaterThan(70);
    expect(both).toBeLessThan(130);
  });
});
