/** A release that some boards cannot boot: its rollout halts by itself, and the fix reaches those that run it. */
import { until } from '../containers/index.js';
import { type Device, Fleet, manyDevices, type Update } from '../devices/index.js';
import { type FirmwareSite, TYPE } from './site.js';

const [GOOD, BAD, FIX] = ['1.0.0', '1.1.0', '1.2.0'] as const;

/** One board in so many goes back to what it ran. */
const GOES_BACK = 10;
const PHASES = '20%,100%';
/** What the rollout has to halt at. */
export const LIMIT = { maxFailures: 2, min: 30 };

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
  readonly excess: Excess;
  /** Why the rollout is paused, as `status` says it, and how many outcomes there were then. */
  readonly reason: string;
  readonly outcomes: number;
  /** Devices that ran the bad release when the fix was rolled out, those that still do, and those that run the fix. */
  readonly affected: number;
  readonly stillBad: number;
  readonly fixed: number;
}

/** What happened after the outcomes were beyond the limit. */
export interface Excess {
  /** Devices that were offered the bad release then, and not before. */
  readonly devices: number;
  /**
   * How long the halt took, in ms: from the answer to the question that told the outcome beyond the limit, to the last
   * answer of any NGINX that offered the bad release.
   */
  readonly haltTook: number;
}

/** What `sidekick firmware status --json` says, as far as it is looked at. */
interface Status {
  readonly paused?: { readonly reason?: string; readonly halted?: { readonly of: number } };
  readonly progress?: { readonly all: Figures };
}

export async function badRelease(site: FirmwareSite, spec: BadReleaseSpec): Promise<BadReleaseReport> {
  const [good, bad, fix] = [GOOD, BAD, FIX].map((version) => site.image(version, spec.size));
  if (!good || !bad || !fix) throw new Error('an image is missing');
  const witness = new Witness();
  const fleet = new Fleet(
    manyDevices({
      sites: site.ask,
      type: TYPE,
      count: spec.devices,
      firmware: good,
      publicKey: site.publicKey,
      start: (number, { version }) => (version === BAD && number % GOES_BACK === 0 ? 'goes-back' : 'runs'),
    }),
    {
      checksPerSecond: spec.checksPerSecond,
      asksAfterStart: true,
      checked: (device, update) => witness.checked(device, update),
    },
  );
  for (const firmware of [good, bad, fix]) fleet.know(firmware);
  fleet.allow(() => [BAD, FIX]);
  await site.publish(good);
  await site.order('rollout', TYPE, '--version', GOOD, '--percent', '100');
  await site.order('promote', TYPE);
  await site.answersDevices();
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
    const truth = witness.figures();
    const excess = witness.excess();
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
      excess,
      reason: halted.reason ?? '',
      outcomes: halted.halted?.of ?? 0,
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

/** What a device told with a question, and what it was told, with the time of the answer by `performance.now()`. */
interface Exchange {
  readonly at: number;
  readonly device: Device;
  /** What had become of the bad release on it; undefined where it had not had it. */
  readonly outcome: 'booted' | 'failed' | undefined;
  readonly isOffered: boolean;
}

/** Writes down, as the devices know it, who was offered the bad release, and what became of it. */
class Witness {
  readonly #exchanges: Exchange[] = [];
  /** A device that fetches piece by piece may be told of the release, and not fetch all of it before the halt. */
  readonly #offered = new Set<Device>();
  readonly #downloaded = new Set<Device>();

  checked(device: Device, update: Update | undefined): void {
    // An update has replaced what the device ran when it asked, unless it went back.
    const runs = update === undefined ? device.firmware.version : GOOD;
    const outcome = runs === BAD ? 'booted' : 'failed';
    const isOffered = update?.firmware.version === BAD;
    this.#exchanges.push({
      ...{ at: device.answeredAt, device, isOffered },
      outcome: this.#downloaded.has(device) ? outcome : undefined,
    });
    if (isOffered) this.#downloaded.add(device);
    if (isOffered || device.wasTakenBack) this.#offered.add(device);
  }

  figures(): Figures {
    const { booted, failed } = this.#outcomes(this.#exchanges);
    const [offered, downloaded] = [this.#offered.size, this.#downloaded.size];
    return { offered, downloaded, booted: booted.size, failed: failed.size };
  }

  excess(): Excess {
    const inOrder = this.#exchanges.toSorted((a, b) => a.at - b.at);
    const beyond = inOrder.findIndex((_, i) => isBeyond(this.#outcomes(inOrder.slice(0, i + 1))));
    const [before, after] = [inOrder.slice(0, beyond), inOrder.slice(beyond)];
    const offers = after.filter(({ isOffered }) => isOffered);
    const had = new Set(before.flatMap(({ device, isOffered }) => (isOffered ? [device] : [])));
    const late = new Set(offers.flatMap(({ device }) => (had.has(device) ? [] : [device])));
    return { devices: late.size, haltTook: (offers.at(-1)?.at ?? 0) - (after[0]?.at ?? 0) };
  }

  #outcomes(exchanges: readonly Exchange[]): { booted: Set<Device>; failed: Set<Device> } {
    const [booted, failed] = [new Set<Device>(), new Set<Device>()];
    for (const { device, outcome } of exchanges) {
      if (outcome === 'booted') booted.add(device);
      else if (outcome === 'failed') failed.add(device);
    }
    return { booted, failed };
  }
}

/** Whether outcomes are beyond the limit. */
function isBeyond({ booted, failed }: { booted: Set<Device>; failed: Set<Device> }): boolean {
  const outcomes = booted.size + failed.size;
  return outcomes >= LIMIT.min && 100 * failed.size > LIMIT.maxFailures * outcomes;
}
