import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fleetText } from '../../../src/commands/fleet-text.js';
import { LiveView } from '../../../src/commands/live-view.js';
import { publishedNginx, publishedUpstream, publishedWatcher, statusOf, WELL } from '../../support/fleet.js';
import { useFakeClock } from '../../support/watching.js';

const CLEAR = '\u001b[H\u001b[2J';

/** A view that is running, and what it has written. */
function running<T>(text: (value: T) => string, isTTY: boolean) {
  const written: string[] = [];
  const stop = new AbortController();
  const view = new LiveView<T>({ write: (part: string) => written.push(part), isTTY }, text);
  const done = view.run(stop.signal);
  return {
    view,
    written,
    end: async () => {
      stop.abort();
      await done;
    },
  };
}

describe('a live view', () => {
  beforeEach(useFakeClock);
  afterEach(() => vi.useRealTimers());

  it('shows changes that come together once', async () => {
    const { view, written, end } = running((value: number) => `${value}\n`, false);
    for (const value of [1, 2, 3]) view.update(value);
    await vi.advanceTimersByTimeAsync(10_000);
    view.update(4);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(written).toEqual(['3\n', '4\n']);
    await end();
  });

  it('shows nothing before there is something, and nothing after its end', async () => {
    const { view, written, end } = running((value: number) => `${value}\n`, true);
    await vi.advanceTimersByTimeAsync(5_000);
    await end();
    view.update(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(written).toEqual([]);
  });

  it.each(['draining', 'held'] as const)(
    'counts down on a terminal how long a server that is %s stays, though nothing changes',
    async (state) => {
      const others = [{ address: '10.0.0.1:80', state, until: Date.now() + 30_000 }];
      const lb1 = publishedWatcher({
        nginx: [publishedNginx({ upstreams: [publishedUpstream({ others })] })],
      });
      const fleet = statusOf({ ...WELL, watchers: { lb1 } });
      const { view, written, end } = running(
        (status: typeof fleet) => fleetText(status, { now: Date.now() }),
        true,
      );
      view.update(fleet);
      await vi.advanceTimersByTimeAsync(4_000);
      const left = written.map((text) => Number(/(\d+)s left/.exec(text)?.[1]));
      expect(left.slice(0, 3)).toEqual([30, 29, 28]);
      expect(written.every((text) => text.startsWith(CLEAR))).toBe(true);
      await end();
    },
  );
});
