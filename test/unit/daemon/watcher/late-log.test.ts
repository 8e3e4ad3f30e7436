import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lateLog } from '../../../../src/daemon/watcher/late-log.js';
import { DEFAULT_TIMING } from '../../../../src/daemon/watcher/options.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { recordingLog } from '../../../support/silent.js';
import { HTTP, host, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

function setUp() {
  const written = recordingLog();
  let isBusy = false;
  const log = lateLog(
    written,
    () => isBusy,
    () => performance.now(),
  );
  return {
    log,
    say: (event: string, level: 'debug' | 'info' | 'warn' | 'error' = 'info') => log[level]({ event }, 'x'),
    setBusy: (value: boolean) => {
      isBusy = value;
    },
    events: () => written.lines.map(({ event }) => event),
    levels: () => written.lines.map(({ level }) => level),
  };
}

describe('lateLog', () => {
  it('writes a line at once while there is nothing more urgent', () => {
    const { say, events } = setUp();
    say('one');
    expect(events()).toEqual(['one']);
  });

  it('writes lines in their order soon after there is nothing more urgent, also those that come then', () => {
    const { say, setBusy, events, levels } = setUp();
    setBusy(true);
    say('one');
    say('two', 'debug');
    expect(events()).toEqual([]);
    setBusy(false);
    say('three');
    expect(events()).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(events()).toEqual(['one', 'two', 'three']);
    expect(levels()).toEqual(['info', 'debug', 'info']);
    say('four');
    expect(events()).toHaveLength(4);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('writes a line after half a second although there is still something more urgent, and the next ones likewise', () => {
    const { say, setBusy, events } = setUp();
    setBusy(true);
    say('one');
    vi.advanceTimersByTime(300);
    say('two');
    expect(events()).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(events()).toEqual(['one', 'two']);
    say('three');
    vi.advanceTimersByTime(450);
    expect(events()).toHaveLength(2);
    vi.advanceTimersByTime(50);
    expect(events()).toHaveLength(3);
  });

  it.each(['warn', 'error'] as const)(
    'writes a line of the level %s at once, after those that wait',
    (level) => {
      const { say, setBusy, events } = setUp();
      setBusy(true);
      say('one');
      say('two', level);
      expect(events()).toEqual(['one', 'two']);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('writes what waits when it is told to', () => {
    const { log, say, setBusy, events } = setUp();
    setBusy(true);
    say('one');
    log.flush();
    expect(events()).toEqual(['one']);
    vi.advanceTimersByTime(1_000);
    expect(events()).toEqual(['one']);
  });
});

describe('a watcher with several groups', () => {
  /** NGINX keeps back what is added to the groups of the stream block, of which more waits. */
  function busy() {
    const nginx = new FakeNginx({ http: ['firmware'], stream: ['mqtt', 'coap'] });
    let release = () => {};
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    nginx.fault = ({ method, ref }) => (method === 'add' && ref?.kind === 'stream' ? { hold } : undefined);
    const w = new Watching({ nginx: [nginx], options: { timing: { ...DEFAULT_TIMING, concurrency: 10 } } });
    for (const service of ['firmware', 'mqtt', 'coap']) {
      for (let n = 1; n <= (service === 'firmware' ? 2 : 10); n++) w.register(service, host(n));
    }
    const added = () => w.log.events('server-added').map(({ fields }) => fields.upstream);
    return { w, release, added };
  }

  it('logs what was done in one group when no call for another waits', async () => {
    const { w, release, added } = busy();
    await using _ = w;
    await w.pass(100);
    expect(w.lb.addresses(HTTP)).toHaveLength(2);
    expect(added()).toEqual([]);
    release();
    await w.pass(100);
    expect(added()).toHaveLength(22);
    expect(added().slice(0, 2)).toEqual(['firmware', 'firmware']);
  });

  it('logs it after half a second at the latest', async () => {
    const { w, release, added } = busy();
    await using _ = w;
    await w.pass(1_000);
    expect(added()).toEqual(['firmware', 'firmware']);
    release();
  });

  it('has logged all that was done when it has stopped', async () => {
    const { w, release, added } = busy();
    await w.pass(100);
    expect(added()).toEqual([]);
    release();
    await w.stop();
    expect(added().length).toBeGreaterThanOrEqual(2);
  });
});
