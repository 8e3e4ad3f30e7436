/** Also state-file and server-lines. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../../src/gateway/model/steps.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import * as groupState from '../../../../src/gateway/store/group-state.js';
import * as restore from '../../../../src/gateway/store/restore.js';
import * as servers from '../../../../src/gateway/store/servers.js';
import { fc } from '../../../support/property.js';
import { FakeNginx, peersOf } from '../support/memory.js';

let nginx: FakeNginx;

beforeEach(() => {
  nginx = new FakeNginx({ upstreams: { firmware: {} } });
});

function add(server: string): number {
  return servers.addServer(nginx.worker(), 'firmware', { server }).id;
}

function remembered(): string[] {
  return peersOf(nginx.restarted().worker(), 'firmware').map(
    ({ server, weight, drain }) => `${server} ${weight ?? 1}${drain ? ' drain' : ''}`,
  );
}

/** What may happen to a group, and to the state file that is being written. Numbers choose a server, or count steps. */
type Action = { add: number } | { patch: number } | { remove: number } | { save: number } | { kill: true };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ patch: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ save: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ kill: fc.constant(true as const) }) },
);

/** A group over several runs of NGINX, and what it should consist of. */
class Life {
  readonly #expected: { id: number; server: string; weight: number }[] = [];
  #saving: Step | undefined;
  #next = 0;

  constructor() {
    nginx = new FakeNginx({ upstreams: { firmware: {} } });
  }

  servers(): string[] {
    return this.#expected.map(({ server, weight }) => `${server} ${weight}`);
  }

  perform(given: Action): void {
    if ('kill' in given) this.#kill();
    else if ('save' in given) this.#save(given.save);
    else if ('add' in given) this.#add(given.add);
    else this.#change(given);
  }

  #add(weight: number): void {
    const server = `10.0.0.${this.#next++}:80`;
    const { id } = servers.addServer(nginx.worker(), 'firmware', { server, weight });
    this.#expected.push({ id, server, weight });
  }

  #save(count: number): void {
    for (let step = 0; step <= count; step++) {
      this.#saving ??= groupState.writeState(nginx.worker(), 'firmware');
      if (this.#saving()) this.#saving = undefined;
    }
  }

  #kill(): void {
    nginx = nginx.restarted();
    restore.load(nginx.worker());
    this.#saving = undefined;
    for (const [id, server] of this.#expected.entries()) server.id = id;
  }

  #change(given: { patch: number } | { remove: number }): void {
    const at = (Object.values(given)[0] as number) % this.#expected.length;
    const server = this.#expected[at];
    if (server === undefined) return;
    if ('patch' in given) {
      server.weight = 77;
      servers.patchServer(nginx.worker(), 'firmware', server.id, { weight: 77 });
    } else {
      servers.removeServer(nginx.worker(), 'firmware', server.id);
      this.#expected.splice(at, 1);
    }
  }
}

describe('a change', () => {
  it('is on disk when it is answered, and costs one line there however large the group is', () => {
    for (let i = 0; i < 100; i++) add(`10.0.0.${i}:80`);
    nginx.settle();
    servers.patchServer(nginx.worker(), 'firmware', 7, { drain: true });
    servers.removeServer(nginx.worker(), 'firmware', 8);
    expect(remembered()).toHaveLength(99);
    expect(remembered()[7]).toBe('10.0.0.7:80 1 drain');
    const changes = nginx.files.get('firmware.changes1') ?? nginx.files.get('firmware.changes0');
    expect(changes?.trim().split('\n\n')).toEqual([
      expect.stringContaining('10.0.0.7:80 drain'),
      '{"n":102,"uid":9}',
    ]);
  });

  it('is found again wherever NGINX was killed between changes and state files', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const life = new Life();
        for (const given of actions) life.perform(given);
        expect(remembered()).toEqual(life.servers());
      }),
    );
  });

  it('is found again whichever of two workers was faster to write it', () => {
    const id = add('10.0.0.1:80');
    const entries = [1, 2, 3].map((weight) => {
      servers.patchServer(nginx.worker(), 'firmware', id, { weight });
      const name = 'firmware.changes0';
      const text = nginx.files.get(name) as string;
      const lines = text.trim().split('\n');
      return lines[lines.length - 1] as string;
    });
    nginx.files.set(
      'firmware.changes0',
      `${nginx.files.get('firmware.changes0')?.split('\n\n')[0]}\n${entries.reverse().join('\n')}\n`,
    );
    expect(remembered()).toEqual(['10.0.0.1:80 3']);
  });

  it('is found again for a server in a state file of NGINX Plus', () => {
    nginx.files.set(
      'firmware',
      'server 10.0.0.1:80;\nserver 10.0.0.2:80 weight=2; # 4\nserver 10.0.0.3:80; # 4\n',
    );
    const ids = peersOf(nginx.worker(), 'firmware').map(({ id }) => id);
    servers.removeServer(nginx.worker(), 'firmware', ids[0] as number);
    servers.patchServer(nginx.worker(), 'firmware', ids[2] as number, { drain: true });
    expect(remembered()).toEqual(['10.0.0.2:80 2', '10.0.0.3:80 1 drain']);
  });
});

describe('a full disk', () => {
  beforeEach(() => {
    for (let i = 0; i < 3; i++) add(`10.0.0.${i}:80`);
    nginx.settle();
    nginx.diskError = new Error('ENOSPC');
  });

  it('delays no change, is logged once, and is repaired once there is room', () => {
    servers.patchServer(nginx.worker(), 'firmware', 0, { drain: true });
    servers.removeServer(nginx.worker(), 'firmware', 1);
    add('10.0.0.9:80');
    for (let i = 0; i < 3; i++) {
      nginx.pass(10_000);
      nginx.settle();
    }
    expect(nginx.warnings).toEqual([
      expect.stringMatching(/^http upstream "firmware": its state cannot be written: Error: ENOSPC/),
    ]);
    expect(groupState.staleReason(nginx.worker(), 'firmware')).toBe('Error: ENOSPC');
    nginx.diskError = undefined;
    nginx.pass(10_000);
    nginx.settle();
    expect(nginx.warnings.slice(1)).toEqual(['http upstream "firmware": its state has been written again']);
    expect(remembered()).toEqual(['10.0.0.0:80 1 drain', '10.0.0.2:80 1', '10.0.0.9:80 1']);
    expect([...nginx.files.keys()].filter((name) => name.includes('.new'))).toEqual([]);
  });

  it('damages only the line that it cuts off', () => {
    nginx.diskError = undefined;
    nginx.files.set(
      'firmware.changes1',
      `${nginx.files.get('firmware.changes1') ?? ''}\n{"n":4,"uid":1,"is":"server 10.0`,
    );
    servers.removeServer(nginx.worker(), 'firmware', 1);
    expect(remembered()).toEqual(['10.0.0.0:80 1', '10.0.0.2:80 1']);
  });
});

it('a log of changes is read whatever it contains', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.json(), fc.string(), fc.constant('{"n":1,"uid":2,"is":"nonsense"}'))),
      (lines) => {
        const other = new FakeNginx({ upstreams: { firmware: {} } });
        other.files.set('firmware.changes0', lines.join('\n'));
        expect(peersOf(other.worker(), 'firmware')).toEqual([]);
      },
    ),
  );
});

it('a state file contains the result of the worker that wrote last', () => {
  add('10.0.0.1:80');
  const slow = groupState.writeState(nginx.worker(100), 'firmware');
  slow();
  add('10.0.0.2:80');
  steps.run(groupState.writeState(nginx.worker(101), 'firmware'));
  steps.run(slow);
  expect(remembered()).toEqual(['10.0.0.1:80 1', '10.0.0.2:80 1']);
});
