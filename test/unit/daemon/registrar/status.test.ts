import { describe, expect, it } from 'vitest';
import {
  isReady,
  type RegistrarStatus,
  type ServiceStatus,
} from '../../../../src/daemon/registrar/status.js';

function status(key: ServiceStatus['key'], rest: Partial<RegistrarStatus> = {}): RegistrarStatus {
  const registered = {
    service: 'firmware',
    address: '10.0.0.1:80',
    health: 'healthy',
    key: 'registered',
  } as const;
  return {
    phase: 'running',
    connected: true,
    etcd: { state: 'connected' },
    ready: false,
    services: [registered, { ...registered, address: '10.0.0.1:81', key }],
    waitingFor: [],
    ...rest,
  };
}

describe('isReady', () => {
  it('is true while every service is registered', () => {
    expect(isReady(status('registered'))).toBe(true);
  });

  it.each(['absent', 'pending', 'superseded', 'refused'] as const)('is false while a key is %s', (key) => {
    expect(isReady(status(key))).toBe(false);
  });

  it('is false without a lease, and once the registrar drains or has stopped', () => {
    expect(isReady(status('registered', { connected: false }))).toBe(false);
    expect(isReady(status('registered', { phase: 'draining' }))).toBe(false);
    expect(isReady(status('registered', { phase: 'stopped' }))).toBe(false);
  });
});
