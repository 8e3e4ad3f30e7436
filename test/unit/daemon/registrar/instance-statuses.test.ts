import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { decodeInstance } from '../../../../src/core/published-status.js';
import { InstanceStatuses } from '../../../../src/daemon/registrar/instance-statuses.js';
import type { ServiceStatus } from '../../../../src/daemon/registrar/status.js';

const KEY = '/sidekick/status/instances/mqtt/10.0.0.1:1883';
const WELL: ServiceStatus = {
  service: 'mqtt',
  address: '10.0.0.1:1883',
  health: 'healthy',
  key: 'registered',
};

describe('InstanceStatuses', () => {
  it('tells since when an instance has been as it is, whatever the reason says', () => {
    let now = 1_000;
    const statuses = new InstanceStatuses(DEFAULT_KEY_PREFIXES, '1.2.3', () => now);
    const said = (status: ServiceStatus) => decodeInstance(statuses.of([status]).get(KEY) ?? '');
    expect(said(WELL)).toEqual({ health: 'healthy', since: 1_000, key: 'registered', version: '1.2.3' });
    now = 2_000;
    expect(said(WELL)?.since).toBe(1_000);
    expect(said({ ...WELL, health: 'unhealthy', key: 'absent', reason: 'a' })).toMatchObject({
      since: 2_000,
      reason: 'a',
    });
    now = 3_000;
    expect(said({ ...WELL, health: 'unhealthy', key: 'absent', reason: 'b' })).toMatchObject({
      since: 2_000,
      reason: 'b',
    });
  });

  it('leaves out an instance that a newer process holds, and one without an address', () => {
    const statuses = new InstanceStatuses(DEFAULT_KEY_PREFIXES, '1.2.3', () => 0);
    const others: ServiceStatus[] = [
      { ...WELL, key: 'superseded' },
      { ...WELL, address: 'auto:1883' },
    ];
    expect(statuses.of(others).size).toBe(0);
  });
});
