/** A release that some boards cannot boot: its rollout halts by itself, and the fix reaches those that run it. */
import { until } from '../containers/index.js';
import { type Device, Fleet, manyDevices, type Update } from '../devices/index.js';
import { type FirmwareSite, TYPE } from './site.js';

const [GOOD, BAD, FIX] = ['1.0.0', '1.1.0', '1.2.0'] as const;

/** One board in so many goes back to what it ran. */
const GOES_BACK = 10;
const PHASES = '20%,100%';
const LIMIT = { maxFailures: 2, min: 30 };

export interface BadReleaseSpec {
  readonly devices: number;
  /** How many of them ask in a second. */
  readonly checksPerSecond: number;
  /** Bytes of an image. */
  readonly size: number;
  /** Told what happens. */
  readonly tell: (line: string) => void;
}

/** What became of devices that were offered a release. */
export interface Figures {
  readonly offered: number;
  readonly downloaded: number;
  readonly booted: number;
  readonly failed: number;
}

export interface BadReleaseReport {
  readonly fleet: Fleet;
  /** As the devices know it, and as `sidekick firmware status` shows it, once the rollout has halted and all have asked again. */
  readonly truth: Figures;
  readonly shown: Figures;
  /** Devices that were offered the bad release first after the outcomes were beyond the limit. */
  readonly late: number;
  /** From the outcome that was beyond the limit to the last device that was offered the bad release first, in ms. */
  readonly lastAfter: number;
  /** Why the rollout is paused, as `status` says it. */
  readonly reason: string;
  /** Devices that ran the bad release when the fix was rolled out, those that still do, and those that run the fix. */
  readonly affected: number;
  readonly stillBad: number;
  readonly fixed: number;
}

/** What `sidekick firmware status --json` says, as far as it is looked at. */
interface Status {
  readonly paused?: { readonly reason?: string; readonly halted?: object };
  readonly progress?: { readonly all: Figures };
}

export async function badRelease(site: FirmwareSite, spec: BadReleaseSpec): Promise<BadReleaseReport> {
  const [good, bad, fix] = [GOOD, BAD, FIX].map((version) => site.image(version, spec.size));
  if (!good || !bad || !fix) throw new Error('an image is missing');
  const watch = new LimitWatch();
  const fleet = new Fleet(
    manyDevices({
      site: site.ask,
      type: TYPE,
      count: spec.devices,
      firmware: good,
      publicKey: site.publicKey,
      start: (number, { version }) => (version === BAD && number % GOES_BACK === 0 ? 'goes-back' : 'runs'),
    }),
    {
      checksPerSecond: spec.checksPerSecond,
      asksAfterStart: true,
      checked: (device, update) => watch.checked(device, update),
    },
  );
  for (const firmware of [good, bad, fix]) fleet.know(firmware);
  fleet.allow(() => [BAD, FIX]);
  await site.publish(good);
  await site.order('rollout', TYPE, '--version', GOOD, '--percent', '100');
  await site.order('promote', TYPE);
  await site.publish(bad);
  fleet.start();
  try {
    const limit = ['--max-failures', `${LIMIT.maxFailures}%`, '--min', String(LIMIT.min)];
    await site.order(
      ...['rollout', TYPE, '--version', BAD, '--phases', PHASES, '--after', String(spec.devices), ...limit],
    );
    const halted = await until(
      'the rollout halts by itself',
      async () => {
        const { paused } = await status(site);
        return paused?.halted !== undefined && paused;
      },
      { timeoutMs: 300_000 },
    );
    spec.tell(`halted: ${halted.reason ?? ''}`);
    await fleet.round();
    const truth = watch.figures();
    const shown = await shownAs(site, truth);
    await site.publish(fix);
    const affected = fleet.running().get(BAD) ?? 0;
    spec.tell(`${affected} devices run ${BAD}`);
    await site.order('rollout', TYPE, '--version', FIX, '--phases', '1%,100%', '--rescue', BAD);
    await fleet.round();
    await fleet.round();
    const running = fleet.running();
    return {
      fleet,
      truth,
      shown,
      ...watch.late(),
      reason: halted.reason ?? '',
      affected,
      stillBad: running.get(BAD) ?? 0,
      fixed: running.get(FIX) ?? 0,
    };
  } finally {
    await fleet.stop();
  }
}

async function status(site: FirmwareSite): Promise<Status> {
  const { code, out, err } = await site.firmware('status', TYPE, '--json');
  if (code !== 0) throw new Error(err);
  return JSON.parse(out) as Status;
}

/** What `status` shows, once it is what is expected or a minute has passed. */
async function shownAs(site: FirmwareSite, expected: Figures): Promise<Figures> {
  let shown: Figures = { offered: -1, downloaded: -1, booted: -1, failed: -1 };
  await until('the outcomes are those of the devices', async () => {
    const { offered, downloaded, booted, failed } = (await status(site)).progress?.all ?? shown;
    shown = { offered, downloaded, booted, failed };
    return JSON.stringify(shown) === JSON.stringify(expected);
  }).catch(() => undefined);
  return shown;
}

/** Counts, as the devices know them, what became of those that were offered the bad release. */
class LimitWatch {
  /** When each device was offered it first. */
  readonly #offered = new Map<Device, number>();
  readonly #booted = new Set<Device>();
  readonly #failed = new Set<Device>();
  /** When the outcomes were first beyond the limit. */
  #beyondAt: number | undefined;

  checked(device: Device, update: Update | undefined): void {
    // What a device runs when it asks says what became of the update before.
    if (this.#offered.has(device)) this.#outcome(device, update);
    if (update?.firmware.version === BAD && !this.#offered.has(device)) {
      this.#offered.set(device, performance.now());
    }
  }

  #outcome(device: Device, update: Update | undefined): void {
    const runs = update === undefined ? device.firmware.version : GOOD;
    if (runs === BAD) this.#booted.add(device);
    else if (!this.#booted.has(device)) this.#failed.add(device);
    const outcomes = this.#booted.size + this.#failed.size;
    if (outcomes < LIMIT.min || (100 * this.#failed.size) / outcomes <= LIMIT.maxFailures) return;
    this.#beyondAt ??= performance.now();
  }

  figures(): Figures {
    const offered = this.#offered.size;
    return { offered, downloaded: offered, booted: this.#booted.size, failed: this.#failed.size };
  }

  late(): { late: number; lastAfter: number } {
    const since = this.#beyondAt ?? Number.POSITIVE_INFINITY;
    const late = [...this.#offered.values()].filter((at) => at > since);
    return { late: late.length, lastAfter: late.length === 0 ? 0 : Math.max(...late) - since };
  }
}
