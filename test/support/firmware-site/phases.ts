/** A release without faults walks through its phases by itself, while everything around it fails at random. */
import { createHash } from 'node:crypto';
import { bucketOf } from '../../../src/firmware/shared/cohort.js';
import { until } from '../containers/index.js';
import type { DeviceFailure } from '../devices/failure.js';
import { type Device, Fleet, manyDevices } from '../devices/index.js';
import type { Dice } from '../dice.js';
import { strikeAgainAndAgain, strikeSiteAgainAndAgain } from './incidents.js';
import { type FirmwareSite, TYPE } from './site.js';

const [OLD, NEW] = ['1.0.0', '1.1.0'] as const;
const PHASES = [5, 25, 60, 100];
/** The least time between two phases, in s. */
const EVERY = 5;

export interface PhasesSpec {
  readonly devices: number;
  /** How many of them ask in a second. */
  readonly checksPerSecond: number;
  /** Bytes of an image. */
  readonly size: number;
  /** How many devices must have booted in a phase before the next. */
  readonly after: number;
  /** Told what happens. */
  readonly tell: (line: string) => void;
}

export interface PhasesReport {
  readonly fleet: Fleet;
  readonly struck: readonly string[];
  /** The phases that have begun, the first one first. */
  readonly begun: readonly number[];
  /** Phases that began before their gate was met, in words. */
  readonly early: readonly string[];
  /** Devices that were offered the release before a phase that has them in it. */
  readonly tooSoon: number;
  readonly booted: number;
}

interface Phase {
  readonly percent: number;
  readonly at: string;
  readonly booted: number;
}

interface Status {
  readonly progress?: { readonly all: { readonly booted: number }; readonly phases: readonly Phase[] };
}

export async function walkThroughPhases(
  site: FirmwareSite,
  spec: PhasesSpec,
  dice: Dice,
): Promise<PhasesReport> {
  const [old, next] = [site.image(OLD, spec.size), site.image(NEW, spec.size)];
  /** When each device started the release first. */
  const startedAt = new Map<Device, number>();
  const fleet = new Fleet(
    manyDevices({
      site: site.ask,
      type: TYPE,
      count: spec.devices,
      firmware: old,
      publicKey: site.publicKey,
    }),
    {
      checksPerSecond: spec.checksPerSecond,
      asksAfterStart: true,
      isExpected,
      checked(device, update) {
        if (update?.firmware.version === NEW && !startedAt.has(device)) startedAt.set(device, Date.now());
      },
    },
  );
  for (const firmware of [old, next]) fleet.know(firmware);
  fleet.allow(() => [NEW]);
  await site.publish(old);
  await site.order('rollout', TYPE, '--version', OLD, '--percent', '100');
  await site.order('promote', TYPE);
  await site.publish(next);
  const phases = PHASES.map((percent) => `${percent}%`).join(',');
  const gate = ['--after', String(spec.after), '--every', `${EVERY}s`, '--max-failures', '2%'];
  await site.order('rollout', TYPE, '--version', NEW, '--phases', phases, ...gate);
  fleet.start();
  const end = new AbortController();
  const striking = Promise.all([
    strikeAgainAndAgain(site, dice, spec.tell, end.signal),
    strikeSiteAgainAndAgain(site, dice, spec.tell, end.signal),
  ]);
  striking.catch(() => {});
  try {
    await until(
      'the last phase has begun',
      async () => (await progress(site)).phases.at(-1)?.percent === PHASES.at(-1),
      { timeoutMs: 600_000 },
    );
    end.abort();
    spec.tell('the last phase has begun; nothing fails any more');
    const struck = (await striking).flat();
    await until(`every device runs ${NEW}`, () => fleet.running().get(NEW) === spec.devices, {
      timeoutMs: 300_000,
    });
    const booted = await settledCount(site, spec.devices);
    const { phases: found } = await progress(site);
    return {
      fleet,
      struck,
      begun: found.map(({ percent }) => percent),
      early: earlyPhases(found, spec.after),
      tooSoon: countTooSoon(startedAt, found),
      booted,
    };
  } finally {
    end.abort();
    await fleet.stop();
  }
}

/** The phases that a release is to walk through. */
export const WANTED_PHASES: readonly number[] = PHASES;

async function progress(site: FirmwareSite): Promise<NonNullable<Status['progress']>> {
  const { code, out, err } = await site.firmware('status', TYPE, '--json');
  if (code !== 0) throw new Error(err);
  const { progress: found } = JSON.parse(out) as Status;
  if (found === undefined) throw new Error('nothing is rolled out');
  return found;
}

/** How many devices are counted as booted, once these are or a minute has passed. */
async function settledCount(site: FirmwareSite, wanted: number): Promise<number> {
  let booted = -1;
  await until('all are counted', async () => {
    booted = (await progress(site)).all.booted;
    return booted === wanted;
  }).catch(() => undefined);
  return booted;
}

function earlyPhases(phases: readonly Phase[], after: number): readonly string[] {
  return phases.slice(1).flatMap(({ percent, at }, i) => {
    const before = phases[i] as Phase;
    const passed = (Date.parse(at) - Date.parse(before.at)) / 1000;
    if (before.booted >= after && passed >= EVERY) return [];
    return [`${percent} % began ${passed} s after ${before.percent} %, with ${before.booted} devices booted`];
  });
}

/** A device may start the release from when a phase began that has its bucket in it. */
function countTooSoon(startedAt: ReadonlyMap<Device, number>, phases: readonly Phase[]): number {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return [...startedAt].filter(([{ mac }, at]) => {
    const bucket = bucketOf(`${TYPE}-${NEW}`, mac, digest);
    const own = phases.find(({ percent }) => bucket < percent * 100);
    return own === undefined || at < Date.parse(own.at);
  }).length;
}

/** A server that fails takes a download with it, and NGINX may give up in time: see `updateUnderFaults`. */
function isExpected({ kind, message }: DeviceFailure): boolean {
  return kind === 'connection' || /: status 50[234]$/.test(message);
}
