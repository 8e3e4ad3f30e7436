import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Announcer } from '../../../../src/daemon/firmware/announcer.js';
import type { Announcement } from '../../../../src/firmware/announcement.js';
import { FakeBrokers } from '../../../support/fake-brokers.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

const ONE = '10.0.0.1:1883' as Address;
const TWO = '10.0.0.2:1883' as Address;

describe('Announcer', () => {
  let registry: FakeRegistry;
  let brokers: FakeBrokers;
  let log: ReturnType<typeof recordingLog>;
  let meter: ReturnType<typeof recordingMeter>;
  let announcer: Announcer;
  let stop: AbortController;
  let running: Promise<void>[];

  beforeEach(() => {
    vi.useFakeTimers();
    registry = new FakeRegistry();
    brokers = new FakeBrokers();
    log = recordingLog();
    meter = recordingMeter();
    stop = new AbortController();
    running = [];
    announcer = start();
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    expect([ONE, TWO].map((broker) => brokers.at(broker).sessions)).toEqual([0, 0]);
    vi.useRealTimers();
  });

  const pass = (ms = 2_000) => vi.advanceTimersByTimeAsync(ms);

  /** @param random What it draws each time. */
  function start(random = 0.5, maxBrokers = 10): Announcer {
    const started = new Announcer(
      { prefixes: DEFAULT_KEY_PREFIXES, service: 'mqtt', maxBrokers },
      {
        ...{ reader: registry, brokers, log, meter, clock: () => Date.now(), random: () => random },
        isAllowed: (broker) => broker.startsWith('10.0.0.'),
      },
    );
    running.push(started.run(stop.signal));
    return started;
  }

  function register(broker: string): void {
    registry.write(`/services/mqtt/${broker}`, '');
  }

  /** What is offered of type lamp. */
  function offered(version: string, revision: number, spread = 600): ReadonlyMap<string, Announcement> {
    return new Map([['lamp', { version, revision, spread }]]);
  }

  const message = (version: string, revision: number) =>
    `{"version":"${version}","spread":600,"revision":${revision}}`;

  it('leaves a retained message on every registered broker, and on one that joins later', async () => {
    register(ONE);
    announcer.announce(offered('1.2.0', 7));
    await pass();
    register(TWO);
    await pass();
    for (const broker of [ONE, TWO]) {
      expect(brokers.at(broker).published).toEqual([`firmware/lamp ${message('1.2.0', 7)}`]);
    }
    expect(announcer.status()).toEqual([
      { broker: ONE, state: 'in-sync' },
      { broker: TWO, state: 'in-sync' },
    ]);
  });

  it('announces every change of what is offered, and several at once as one', async () => {
    register(ONE);
    announcer.announce(offered('1.2.0', 7));
    await pass();
    for (let revision = 8; revision <= 20; revision++) announcer.announce(offered('1.3.0', revision));
    await pass();
    // Neither a new version nor another decision: nothing to say.
    announcer.announce(offered('1.3.0', 20));
    await pass(600_000);
    expect(brokers.at(ONE).published).toEqual([
      `firmware/lamp ${message('1.2.0', 7)}`,
      `firmware/lamp ${message('1.3.0', 20)}`,
    ]);
  });

  it('announces another version of the same decision: a release that is offered only once every server holds it', async () => {
    register(ONE);
    announcer.announce(offered('1.2.0', 7));
    await pass();
    announcer.announce(offered('1.3.0', 7));
    await pass();
    expect(brokers.at(ONE).retained.get('firmware/lamp')).toBe(message('1.3.0', 7));
  });

  it("leaves a message alone that is there: its own of an earlier run, or another watcher's", async () => {
    brokers.at(ONE).retained.set('firmware/lamp', message('1.2.0', 7));
    register(ONE);
    const later = start(0.9);
    for (const one of [announcer, later]) one.announce(offered('1.2.0', 7));
    await pass();
    expect(brokers.at(ONE).published).toEqual([]);

    for (const one of [announcer, later]) one.announce(offered('1.3.0', 8));
    await pass();
    expect(brokers.at(ONE).published).toEqual([`firmware/lamp ${message('1.3.0', 8)}`]);
  });

  it('never answers another publisher of the topic with message after message', async () => {
    register(ONE);
    announcer.announce(offered('1.2.0', 7));
    await pass();
    for (let i = 0; i < 50; i++) {
      brokers.at(ONE).publish('firmware/lamp', i % 2 === 0 ? message('6.6.6', i) : 'nonsense');
      announcer.announce(offered('1.2.0', 7));
      await pass();
    }
    expect(brokers.at(ONE).published.filter((one) => one.includes('1.2.0'))).toHaveLength(1);
  });

  it('begins again with a broker that was killed, which has forgotten its messages, and says so once', async () => {
    register(ONE);
    register(TWO);
    announcer.announce(offered('1.2.0', 7));
    await pass();
    brokers.at(ONE).kill();
    await pass(300_000);
    expect(log.events('firmware-announce-failed')).toHaveLength(1);
    expect(announcer.status()).toEqual([
      { broker: ONE, state: 'unavailable', error: 'connection refused' },
      { broker: TWO, state: 'in-sync' },
    ]);
    const broken = () => meter.value('sidekick_push_brokers', { state: 'unavailable' });
    expect([broken(), meter.value('sidekick_push_brokers', { state: 'in-sync' })]).toEqual([1, 1]);
    // With a pause that grows to a minute.
    expect(brokers.at(ONE).connects).toBeLessThan(20);

    announcer.announce(offered('1.3.0', 8));
    await pass();
    expect(brokers.at(TWO).retained.get('firmware/lamp')).toBe(message('1.3.0', 8));
    brokers.at(ONE).fault = undefined;
    await pass(70_000);
    expect(brokers.at(ONE).retained.get('firmware/lamp')).toBe(message('1.3.0', 8));
    expect(broken()).toBe(0);
    expect(log.events('firmware-announce-recovered')).toHaveLength(1);
  });

  it('tells no broker that is gone, that is not allowed, or that is one too many', async () => {
    announcer = start(0.5, 1);
    register('192.168.0.1:1883');
    register(ONE);
    register(TWO);
    announcer.announce(offered('1.2.0', 7));
    await pass();
    expect(announcer.status().map(({ broker }) => broker)).toEqual([ONE]);
    expect(brokers.at('192.168.0.1:1883').connects).toBe(0);

    registry.delete(`/services/mqtt/${ONE}`);
    await pass();
    expect(announcer.status().map(({ broker }) => broker)).toEqual([TWO]);
    expect(brokers.at(ONE).sessions).toBe(0);
  });

  it('keeps its sessions while etcd is away', async () => {
    register(ONE);
    await pass();
    registry.fault('down');
    await pass(60_000);
    announcer.announce(offered('1.2.0', 7));
    await pass();
    expect(brokers.at(ONE).retained.get('firmware/lamp')).toBe(message('1.2.0', 7));
    registry.fault('none');
    await pass(60_000);
  });
});
