/** A firmware server loses its power while as many devices download as the servers carry. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/containers/index.js';
import { Fleet, manyDevices } from '../../support/devices/index.js';
import { FirmwareSite, TYPE } from '../../support/firmware-site/site.js';

const SLOTS = 6;
const DEVICES = 80;
const SIZE = 512_000;
const SLOW = { timeoutMs: 240_000 };

describe('a firmware server that is lost at peak', () => {
  let site: FirmwareSite;

  beforeAll(async () => {
    site = await FirmwareSite.start({ hosts: 2, slots: SLOTS });
  }, 300_000);
  afterAll(async () => {
    await site?.close();
  });

  /** What the gateway's API answers at a path beside `/api`. */
  async function answered(path: string): Promise<unknown> {
    const { api } = site.gateways[0] ?? {};
    return (await fetch(`${api?.replace(/\/api$/, '')}${path}`)).json();
  }

  async function downloads(): Promise<number> {
    return ((await answered('/firmware/outcomes')) as { downloads: number }).downloads;
  }

  async function slots(): Promise<number> {
    const zone = (await answered('/api/9/http/keyvals/firmware')) as Readonly<Record<string, string>>;
    return Number(zone['/slots']);
  }

  it('fails no download but those that it carried; the wave slows down, and recovers with the server', async () => {
    const [old, next] = [site.image('1.0.0', SIZE), site.image('1.1.0', SIZE)];
    const lost = site.hosts[0];
    const devices = manyDevices({
      ...{ sites: site.ask, type: TYPE, count: DEVICES },
      ...{ firmware: old, publicKey: site.publicKey },
    });
    const fleet = new Fleet(devices, {
      checksPerSecond: 40,
      isExpected: ({ kind, server }) => kind === 'connection' && server === lost?.name,
    });
    for (const firmware of [old, next]) fleet.know(firmware);
    fleet.allow(() => ['1.1.0']);
    await site.publish(old);
    await site.order('rollout', TYPE, '--version', '1.0.0', '--percent', '100');
    await site.order('promote', TYPE);
    await site.publish(next);
    await until('both servers count', async () => (await slots()) === 2 * SLOTS, SLOW);
    // A download takes five seconds.
    await site.order('rollout', TYPE, '--version', '1.1.0', '--percent', '100', '--rate', '100KB');
    fleet.start();
    try {
      await until('all slots are taken', async () => (await downloads()) === 2 * SLOTS, SLOW);
      await lost?.kill();
      await until('its slots are gone', async () => (await slots()) === SLOTS, SLOW);
      await until('the wave has slowed down', async () => (await downloads()) <= SLOTS, SLOW);
      const { updates, checks } = fleet;
      await until(
        'it goes on, no faster',
        async () => {
          expect(await downloads()).toBeLessThanOrEqual(SLOTS);
          return fleet.updates > updates && fleet.checks > checks + SLOTS;
        },
        SLOW,
      );
      await lost?.start();
      await until('its slots are there again', async () => (await slots()) === 2 * SLOTS, SLOW);
      await until('every device runs it', () => fleet.running().get('1.1.0') === DEVICES, SLOW);
    } finally {
      await fleet.stop();
    }
    // A status of 5xx would be here.
    expect(fleet.failures).toEqual(new Map());
    const broken = [...fleet.expectedFailures.values()].reduce((sum, times) => sum + times, 0);
    expect(broken).toBeLessThanOrEqual(2 * SLOTS);
  }, 600_000);
});
