import { describe, expect, it } from 'vitest';
import { NginxError } from '../../../../src/core/errors.js';
import type { Action } from '../../../../src/core/plan.js';
import { DEFAULT_PARAMETERS } from '../../../../src/core/server-parameters.js';
import { KnownServers } from '../../../../src/daemon/watcher/known-servers.js';
import type { PassResult } from '../../../../src/daemon/watcher/reconcile.js';
import { leavesStateUncertain, UpstreamMemory } from '../../../../src/daemon/watcher/upstream-memory.js';
import { host } from '../../../support/watching.js';

const cause = { kind: 'registered', revision: 1 } as const;
const ADD: Action = { type: 'add', address: host(1), parameters: DEFAULT_PARAMETERS, cause };
const UPDATE: Action = { type: 'update', address: host(1), id: 7, changes: { weight: 2 }, cause };
const DRAIN: Action = { type: 'drain', address: host(1), id: 7, cause };
const REMOVE: Action = { type: 'remove', address: host(1), id: 7, reason: 'idle', cause };
const FULL = new NginxError('UpstreamOutOfMemory', 'full', { status: 400 });
const DENIED = new NginxError('MethodDisabled', 'read-only', { status: 405 });
const BROKEN = new NginxError('Internal', 'broken', { status: 500 });
const TIMEOUT = new NginxError('TIMEOUT', 'no answer');
const MISSING = new NginxError('UpstreamServerNotFound', 'gone', { status: 404 });
const CHANGED = new NginxError('UpstreamConfConflict', 'changed meanwhile', { status: 409 });
const RETRY = 30_000;

function result(action: Action, error?: NginxError, stale = false): PassResult {
  return {
    servers: new KnownServers('http', { servers: [], unmanaged: 0 }),
    plan: { actions: [], drains: new Map(), drained: new Map(), deferred: [] },
    outcomes: [error ? { action, error } : { action }],
    stale,
    unknownIds: false,
  };
}

describe('UpstreamMemory', () => {
  it('remembers a rejected action, whatever its id, until it may be tried again', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(REMOVE, DENIED), 0, RETRY);
    expect(memory.isRejected({ ...REMOVE, id: 8 }, RETRY - 1)).toBe(true);
    expect(memory.isRejected(REMOVE, RETRY)).toBe(false);
    expect(memory.isRejected(ADD, 0)).toBe(false);
    expect(memory.failures).toBe(0);
  });

  it('remembers a rejected action until then, whatever passes there are in between', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(ADD, DENIED), 0, RETRY);
    memory.recordPass(result(UPDATE), 1_000, RETRY);
    memory.recordAddresses(result(UPDATE), 2_000, RETRY);
    expect(memory.isRejected(ADD, RETRY - 1)).toBe(true);
  });

  it.each<[string, Action, Action]>([
    ['an add with other parameters', ADD, { ...ADD, parameters: { ...DEFAULT_PARAMETERS, weight: 2 } }],
    ['an add of another server', ADD, { ...ADD, address: host(2) }],
    ['an update to another weight', UPDATE, { ...UPDATE, changes: { weight: 3 } }],
    ['an update of another server', UPDATE, { ...UPDATE, address: host(2) }],
    ['a removal, where the drain was rejected', DRAIN, REMOVE],
    ['a removal of another server', REMOVE, { ...REMOVE, address: host(2) }],
  ])('does not take %s for a rejected action', (_, rejected, other) => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(rejected, DENIED), 0, RETRY);
    expect(memory.isRejected(rejected, 0)).toBe(true);
    expect(memory.isRejected(other, 0)).toBe(false);
  });

  it('considers the zone not full before an add was rejected for want of room', () => {
    const memory = new UpstreamMemory();
    expect(memory.zoneFull).toBe(false);
    memory.recordPass(result(ADD, DENIED), 0, RETRY);
    expect(memory.zoneFull).toBe(false);
  });

  it('considers the zone full still after a server was changed', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(ADD, FULL), 0, RETRY);
    memory.recordPass(result(UPDATE), 1, RETRY);
    expect(memory.zoneFull).toBe(true);
    expect(memory.isRejected(ADD, 1)).toBe(true);
  });

  it('considers the zone full from a rejected add until a server is removed', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(ADD, FULL), 0, RETRY);
    expect(memory.zoneFull).toBe(true);
    expect(memory.isRejected(ADD, 1)).toBe(true);
    memory.recordAddresses(result(REMOVE), 1, RETRY);
    expect(memory.zoneFull).toBe(false);
    expect(memory.isRejected(ADD, 1)).toBe(false);
  });

  it('learns that NGINX does not let the weight be changed, and requests another plan at once', () => {
    const memory = new UpstreamMemory();
    expect([...memory.immutable]).toEqual(['backup']);
    const error = new NginxError('UpstreamServerWeightImmutable', 'immutable', { status: 400 });
    memory.recordPass(result(UPDATE, error), 0, RETRY);
    expect([...memory.immutable]).toEqual(['backup', 'weight']);
    expect(memory.isRejected(UPDATE, 0)).toBe(false);
    expect(memory.failures).toBe(1);
  });

  it('does not conclude from another refusal that the weight cannot be changed', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(UPDATE, DENIED), 0, RETRY);
    expect([...memory.immutable]).toEqual(['backup']);
  });

  it('counts the full passes in a row that failed; a pass over some addresses adds to them, and never resets them', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(ADD, BROKEN), 0, RETRY);
    memory.recordFailedRead();
    memory.recordAddresses(result(ADD), 0, RETRY);
    expect(memory.failures).toBe(2);
    memory.recordAddresses(result(ADD, MISSING), 0, RETRY);
    memory.recordAddresses(result(ADD, undefined, true), 0, RETRY);
    expect(memory.failures).toBe(4);
    memory.recordPass(result(ADD), 0, RETRY);
    expect(memory.failures).toBe(0);
  });

  it('checks once, some seconds later, for the late effect of a call that timed out', () => {
    const memory = new UpstreamMemory();
    expect(memory.verifyAt(0)).toBeUndefined();
    memory.recordPass(result(ADD, TIMEOUT), 1_000, RETRY);
    expect(memory.verifyAt(1_000)).toBe(6_000);
    expect(memory.verifyAt(6_000)).toBeUndefined();
  });

  it('does not look for the late effect of a call that was answered', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(ADD, BROKEN), 1_000, RETRY);
    expect(memory.verifyAt(1_000)).toBeUndefined();
  });

  it('forgets with a reload what the new configuration may have changed', () => {
    const memory = new UpstreamMemory();
    memory.recordPass(result(ADD, FULL), 0, RETRY);
    memory.recordFailedRead();
    memory.forget();
    expect(memory).toMatchObject({ zoneFull: false, failures: 0 });
    expect(memory.isRejected(ADD, 0)).toBe(false);
  });
});

describe('leavesStateUncertain', () => {
  it.each([
    ['an action that may have been done', TIMEOUT, true],
    ['trouble inside of NGINX', BROKEN, true],
    ['a server that is not there any more', MISSING, true],
    ['a group that has changed since it was read', CHANGED, true],
    ['a full zone', FULL, false],
    ['a read-only API', DENIED, false],
  ])('decides for %s: %s', (_, error, doubt) => {
    expect(leavesStateUncertain(error)).toBe(doubt);
  });
});
