/** Also keyval-zone and keyval-state. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as steps from '../../../../src/gateway/model/steps.js';
import * as keyvalChanges from '../../../../src/gateway/store/keyval-changes.js';
import * as keyvalState from '../../../../src/gateway/store/keyval-state.js';
import { FakeNginx } from '../support/memory.js';

let nginx: FakeNginx;

beforeEach(() => {
  nginx = new FakeNginx({ upstreams: { firmware: {} }, keyvals: { releases: {}, other: {} } });
});

function add(key: string, zone = 'releases'): void {
  keyvalChanges.add(nginx.worker(), zone, [{ key, value: `of ${key}` }]);
}

function keysOf(given: FakeNginx, zone = 'releases'): string[] {
  return Object.keys(keyvalChanges.all(given.worker(), zone)).sort();
}

const remembered = (zone?: string): string[] => keysOf(nginx.restarted(), zone);

describe('the state file of a keyval zone', () => {
  it('contains the changes once the maintenance tasks have written it', () => {
    for (let i = 0; i < 300; i++) add(`key ${i} "ä\n"`.padEnd(200, '-'));
    add('a', 'other');
    nginx.settle();
    expect(remembered()).toEqual(keysOf(nginx));
    expect(remembered('other')).toEqual(['a']);
    keyvalChanges.clear(nginx.worker(), 'releases');
    nginx.settle();
    expect(remembered()).toEqual([]);
  });

  it('is neither read nor written while a worker has the lock, so that a slow disk delays no other', () => {
    nginx.files.set('keyval.releases', '{"old":{"value":"x","expires":0}}');
    const worker = nginx.worker();
    const locks: (string | undefined)[] = [];
    const look = () => locks.push(nginx.tables.entries.get(' lock/keyvals'));
    nginx.beforeFile = look;
    const read = worker.read.bind(worker);
    worker.read = (name) => {
      look();
      return read(name);
    };
    keyvalChanges.add(worker, 'releases', [{ key: 'new', value: 'y' }]);
    nginx.settle();
    expect(remembered()).toEqual(['new', 'old']);
    expect(locks.length).toBeGreaterThan(2);
    expect(new Set(locks)).toEqual(new Set([undefined]));
  });

  it('delays no change while the disk is full, and is written when there is room again', () => {
    add('before');
    nginx.settle();
    nginx.diskError = new Error('ENOSPC');
    add('a');
    keyvalChanges.patch(nginx.worker(), 'releases', [{ key: 'before' }]);
    for (let i = 0; i < 3; i++) {
      nginx.settle();
      nginx.pass(1000);
    }
    expect(keysOf(nginx)).toEqual(['a']);
    expect(remembered()).toEqual(['before']);
    expect(nginx.warnings).toEqual([
      'http keyval zone "releases": its state cannot be written: Error: ENOSPC. Changes take effect, but a restart of ' +
        'NGINX would restore older values. Writing is retried until it succeeds.',
    ]);
    nginx.diskError = undefined;
    nginx.settle();
    expect(remembered()).toEqual(['a']);
    expect(nginx.warnings.slice(1)).toEqual([
      'http keyval zone "releases": its state has been written again',
    ]);
    expect([...nginx.files.keys()].filter((name) => name.includes('.new'))).toEqual([]);
  });

  it('is written once more for a change that was made while it was written', () => {
    for (let i = 0; i < 100; i++) add(`key ${i}`);
    const step = keyvalState.nextWrite(nginx.worker());
    if (step === undefined) throw new Error('there is nothing to write');
    step();
    step();
    keyvalChanges.patch(nginx.worker(), 'releases', [{ key: 'key 0' }]);
    add('late');
    steps.run(step);
    nginx.settle();
    expect(remembered()).toEqual(keysOf(nginx));
  });

  it('is not replaced by the file of a worker that knows less', () => {
    add('a');
    const slow = keyvalState.nextWrite(nginx.worker(100));
    if (slow === undefined) throw new Error('there is nothing to write');
    slow();
    add('b');
    const fast = keyvalState.nextWrite(nginx.worker(101)) ?? keyvalState.nextWrite(nginx.worker(101));
    if (fast === undefined) throw new Error('there is nothing to write');
    steps.run(fast);
    steps.run(slow);
    expect(remembered()).toEqual(['a', 'b']);
  });

  it('is awaited by whoever asked for a change, unless the disk takes nothing', () => {
    const awaited = () => keyvalState.whenSaved(nginx.worker(), 'releases');
    expect(awaited()).toBeUndefined();
    add('a');
    const isDone = awaited();
    expect(isDone?.()).toBe(false);
    nginx.settle();
    expect(isDone?.()).toBe(true);
    nginx.diskError = new Error('EIO');
    add('b');
    const failed = awaited();
    expect(failed?.()).toBe(false);
    nginx.settle();
    expect(failed?.()).toBe(true);
    add('c');
    expect(awaited()).toBeUndefined();
  });
});
