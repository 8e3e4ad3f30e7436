import { describe, expect, it } from 'vitest';
import * as memories from '../../../../src/firmware/shared/memory.js';
import * as returned from '../../../../src/firmware/shared/returned.js';
import { Edge } from '../support/edge.js';

const OLD = 'id=24:6f:28:aa:bb:cc&version=1.0.0';
const NEW = 'id=24:6f:28:aa:bb:cc&version=1.1.0';
const SILENT = 'id=24:6f:28:aa:bb:cc';
const ID = '24%3A6f%3A28%3Aaa%3Abb%3Acc';

/** An NGINX whose device has downloaded the candidate; its ClientId is `lamp-<id>`. */
function downloaded(query = OLD): Edge {
  const edge = new Edge().offer({ clientId: 'lamp-{id}' });
  edge.ask(query);
  edge.download(ID);
  return edge;
}

/** A ClientId is seen on MQTT, so many seconds ago. */
function connect(edge: Edge, clientId = 'lamp-246F28AABBCC', ago = 0): void {
  const wall = 1_800_000_000_000;
  returned.meet(edge.memory, [[clientId, wall - 1000 * ago]], wall);
}

const SEEN = { offered: 1, downloaded: 1 };

describe('a device whose ClientId is back on MQTT after its download', () => {
  it('has returned, and booted once it asks with the new version', () => {
    const edge = downloaded();
    edge.pass(2);
    connect(edge);
    connect(edge);
    expect(edge.counted()).toEqual({ ...SEEN, returned: 1 });
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ ...SEEN, returned: 1, answered: 1, booted: 1 });
    expect(edge.report().flights).toBe(0);
  });

  it('has failed once it asks with the old version: it has fallen back', () => {
    const edge = downloaded();
    edge.pass(2);
    connect(edge);
    edge.ask(OLD);
    expect(edge.counted()).toEqual({ ...SEEN, returned: 1, answered: 1, failed: 1 });
    connect(edge);
    edge.pass(5);
    connect(edge);
    expect(edge.counted()).toEqual({ ...SEEN, returned: 1, answered: 1, failed: 1 });
    edge.ask(NEW);
    expect(edge.counted()).toMatchObject({ failed: 1, recovered: 1, booted: 1 });
  });

  it('has booted where it never says what it runs', () => {
    const edge = downloaded(SILENT);
    edge.pass(2);
    connect(edge);
    edge.ask(SILENT);
    edge.ask(SILENT);
    expect(edge.counted()).toEqual({ ...SEEN, booted: 1 });
  });

  it('is unknown no longer where it never says what it runs, and has asked before', () => {
    const edge = downloaded(SILENT);
    edge.ask(SILENT);
    edge.pass(2);
    connect(edge);
    expect(edge.counted()).toEqual({ ...SEEN, unknown: 1, known: 1, booted: 1 });
  });

  it('is found where it was lost, and is not lost again while it lives on MQTT', () => {
    const edge = downloaded();
    edge.pass(400);
    connect(edge);
    edge.pass(10_000);
    expect(edge.counted()).toEqual({ ...SEEN, lost: 1, found: 1, returned: 1 });
  });

  it.each([
    ['before its download is over', 5],
    ['sooner than any device starts again', 1.5],
  ])('is not counted for a connection from %s', (_, ago) => {
    const edge = downloaded();
    edge.pass(3);
    connect(edge, undefined, ago);
    expect(edge.counted()).toEqual(SEEN);
    connect(edge);
    expect(edge.counted().returned).toBe(1);
  });

  it.each(['lamp-246f28aabbcd', 'fan-246f28aabbcc', 'lamp-246f28aabbcc-x', 'lamp-', 'lamp', ''])(
    'is not another one: %s',
    (clientId) => {
      const edge = downloaded();
      edge.pass(5);
      connect(edge, clientId);
      expect(edge.counted()).toEqual(SEEN);
    },
  );

  it('is not counted before it has downloaded', () => {
    const edge = new Edge().offer({ clientId: 'lamp-{id}' });
    edge.ask(OLD);
    edge.pass(5);
    connect(edge);
    expect(edge.counted()).toEqual({ offered: 1 });
  });

  it('has not booted where its second download has failed before', () => {
    const edge = downloaded();
    edge.ask(OLD);
    edge.download(ID);
    edge.pass(5);
    connect(edge);
    expect(edge.counted()).toEqual({ ...SEEN, failed: 1 });
  });

  it('has returned though NGINX was restarted before', () => {
    const edge = downloaded();
    edge.pass(3);
    connect(edge);
    const next = edge.restarted();
    next.ask(NEW);
    expect(next.counted()).toEqual({ ...SEEN, returned: 1, answered: 1, booted: 1 });
  });

  it('is known by the pattern alone that its type has now', () => {
    const edge = downloaded();
    edge.pass(5);
    returned.setPattern(edge.memory, 'lamp', 'l/{id}');
    connect(edge);
    expect(edge.counted()).toEqual(SEEN);
    connect(edge, 'l/246f28aabbcc');
    expect(edge.counted().returned).toBe(1);
  });
});

describe('the ClientIds that are looked for', () => {
  it('names those of types with a pattern', () => {
    const { memory } = new Edge();
    expect(returned.prefixes(memory)).toEqual([]);
    returned.setPattern(memory, 'lamp', 'lamp-{id}');
    returned.setPattern(memory, 'lamp-v2', '{id}');
    returned.setPattern(memory, 'fan', 'fan.{id}.home');
    expect(returned.prefixes(memory)).toEqual(['lamp-', '', 'fan.']);
    returned.setPattern(memory, 'lamp', 'l{id}');
    expect(returned.prefixes(memory)).toEqual(['', 'fan.', 'l']);
    returned.setPattern(memory, 'lamp-v2', '');
    returned.setPattern(memory, 'oven', '');
    expect(returned.prefixes(memory)).toEqual(['fan.', 'l']);
  });

  it('names those of at most 64 types', () => {
    const { memory } = new Edge();
    for (let i = 0; i < 70; i++) returned.setPattern(memory, `t${i}`, `c${i}-{id}`);
    expect(returned.prefixes(memory)).toHaveLength(64);
    returned.setPattern(memory, 't0', 'other-{id}');
    expect(returned.prefixes(memory)).toContain('other-');
  });

  it('proves nothing before the devices in flight of an earlier life are known', () => {
    const edge = downloaded();
    edge.pass(5);
    edge.counts.delete(memories.NOW);
    connect(edge);
    expect(edge.counted()).toEqual(SEEN);
  });
});
