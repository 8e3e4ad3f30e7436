import { describe, expect, it } from 'vitest';
import { fleetText } from '../../../src/commands/fleet-text.js';
import {
  FLEET_NOW,
  publishedNginx,
  publishedUpstream,
  publishedWatcher,
  statusOf,
  WELL,
} from '../../support/fleet.js';

const view = { now: FLEET_NOW };

describe('fleetText', () => {
  it('shows services, instances and watchers', () => {
    const text = fleetText(statusOf(WELL), view);
    expect(text).toMatch(/^in sync: 1 watcher, 1 service, 2 instances\n/);
    expect(text).toMatch(/firmware: 2 registered, 2 in sync/);
    expect(text).toMatch(/10\.0\.0\.2:80 +healthy +5s +weight=3 +up\n/);
    expect(text).toMatch(/lb1 +1\.2\.3 +yes +1m +main 1\.26\.3 connected, 1 upstream\n/);
    expect(text).not.toContain('!');
  });

  it('shows what a drain waits for, and how long, for each NGINX where they differ', () => {
    const others = [{ address: '10.0.0.1:80', state: 'draining', active: 3, until: FLEET_NOW + 25_000 }];
    const lb2 = publishedWatcher({ nginx: [publishedNginx({ upstreams: [publishedUpstream({ others })] })] });
    const text = fleetText(statusOf({ ...WELL, watchers: { ...WELL.watchers, lb2 } }), view);
    expect(text).toMatch(/10\.0\.0\.1:80 .* lb1\/main up; lb2\/main draining \(3 open, 25s left\)/);
  });

  it('lists of ten thousand instances only those that are not in sync', () => {
    const registrations: Record<string, string> = {};
    for (let n = 0; n < 10_000; n++) registrations[`firmware/10.0.${n >> 8}.${n & 255}:80`] = '{}';
    const others = [{ address: '10.0.0.7:80', state: 'down', reason: 'refused' }];
    const nginx = [publishedNginx({ upstreams: [publishedUpstream({ servers: 10_000, others })] })];
    const limits = { registrations, watchers: { lb1: publishedWatcher({ nginx }) } };
    const text = fleetText(statusOf(limits), view);
    expect(text).toContain('10.0.0.7:80');
    expect(text).toContain('firmware: 10000 registered, 9999 in sync');
    expect(text).toContain('and 9,999 more, 9,999 of them in sync');
    expect(text.split('\n').length).toBeLessThan(12);
  });

  it('shows one service alone, and says where it has no instance', () => {
    const fleet = statusOf({ ...WELL, registrations: { ...WELL.registrations, 'mqtt/10.0.0.1:1883': '' } });
    expect(fleetText(fleet, { ...view, service: 'mqtt' })).not.toContain('10.0.0.2:80  ');
    expect(fleetText(fleet, { ...view, service: 'other' })).toContain('no instance of other is registered');
  });

  it('says each problem with what to do', () => {
    expect(fleetText(statusOf({ ...WELL, watchers: {} }), view)).toMatch(
      /\n! no watcher is running: nothing keeps NGINX in sync\n {2}start `sidekick watch` beside NGINX\n$/,
    );
  });
});
