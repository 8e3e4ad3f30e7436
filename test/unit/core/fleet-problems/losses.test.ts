/** What the status of the fleet says of instances that died. */
import { describe, expect, it } from 'vitest';
import {
  FLEET_NOW,
  type FleetInEtcd,
  publishedNginx,
  publishedUpstream,
  publishedWatcher,
  statusOf,
  WELL,
} from '../../../support/fleet.js';

const LOST = { service: 'firmware', address: '10.0.0.9:80', at: FLEET_NOW - 30_000 };

/** The fleet where all is well but for what one watcher has lost. */
function withLost(...lost: readonly (typeof LOST)[]): FleetInEtcd {
  return { ...WELL, watchers: { lb1: publishedWatcher({ lost }) } };
}

describe('a lost instance', () => {
  it('is a problem, with the time, the cause and what to do', () => {
    const { inSync, problems } = statusOf(withLost(LOST));
    expect(inSync).toBe(false);
    expect(problems).toEqual([
      {
        what: 'firmware 10.0.0.9:80 was lost at 2026-01-31T11:59:30Z: its lease expired or was revoked, and nobody had drained it',
        todo: expect.stringContaining('check its host') as string,
      },
    ]);
  });

  it('is named with the first few; the others are counted', () => {
    const lost = Array.from({ length: 7 }, (_, n) => ({ ...LOST, address: `10.0.1.${n}:80` }));
    const { problems } = statusOf(withLost(...lost));
    expect(problems).toHaveLength(6);
    expect(problems.at(-1)?.what).toBe('2 more instances of firmware were lost');
  });

  it('is named once where several watchers have lost it, with the earliest time', () => {
    const late = publishedWatcher({ lost: [{ ...LOST, at: LOST.at + 5_000 }] });
    const watchers = { lb1: late, lb2: publishedWatcher({ lost: [LOST] }), lb3: late };
    const { problems } = statusOf({ ...WELL, watchers });
    expect(problems).toMatchObject([{ what: expect.stringContaining('11:59:30Z') as string }]);
  });

  it('is listed with its service, and no NGINX is said to have it up', () => {
    const { services } = statusOf(withLost(LOST));
    expect(services).toMatchObject([{ registered: 2, inSync: 2 }]);
    expect(services[0]?.instances[2]).toMatchObject({
      address: LOST.address,
      registered: false,
      health: 'lost',
      since: LOST.at,
      inSync: false,
      places: [],
    });
  });

  it('is shown as what NGINX still has it as', () => {
    const upstreams = [publishedUpstream({ others: [{ address: LOST.address, state: 'held' }] })];
    const watcher = publishedWatcher({ lost: [LOST], nginx: [publishedNginx({ upstreams })] });
    const { services } = statusOf({ ...WELL, watchers: { lb1: watcher } });
    expect(services[0]?.instances[2]).toMatchObject({ health: 'lost', places: [{ state: 'held' }] });
  });

  it('is lost no longer where it is registered again', () => {
    expect(statusOf(withLost({ ...LOST, address: '10.0.0.2:80' })).problems).toEqual([]);
  });

  it('is as its registrar says where that says something of it', () => {
    const instances = { ...WELL.instances, 'firmware/10.0.0.9:80': { health: 'unhealthy' } };
    const { services } = statusOf({ ...withLost(LOST), instances });
    expect(services[0]?.instances).toMatchObject([{}, {}, { health: 'unhealthy' }]);
  });

  it('is ignored where what is published names no instance', () => {
    const lost = [
      { ...LOST, address: 'nowhere' },
      { ...LOST, service: 'a/b' },
    ];
    expect(statusOf(withLost(...lost)).problems).toEqual([]);
  });

  it('has an unknown time where what is published is none', () => {
    const { problems } = statusOf(withLost({ ...LOST, at: 1e99 }));
    expect(problems[0]?.what).toContain('was lost at an unknown time');
  });
});
