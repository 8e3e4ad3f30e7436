/** A release without faults walks through its phases by itself, while everything around it fails at random. */
import { createHash } from 'node:crypto';
import { progressOf } from '../../../src/firmware/progress.js';
import { bucketOf } from '../../../src/firmware/shared/cohort.js';
import type { Figures } from '../../../src/firmware/statistics.js';
import { until } from '../containers/index.js';
import type { DeviceFailure } from '../devices/failure.js';
import { type Device, Fleet, manyDevices } from '../devices/index.js';
import type { Dice } from '../dice.js';
import { strikeAgainAndAgain, strikeSiteAgainAndAgain } from './incidents.js';
import { type FirmwareSite, TYPE } from './site.js';

const [OLD, NEW] = ['1.0.0', '1.1.0'] as const;
const PHASES = [5, 10, 20, 35, 50, 75, 100];

export interface PhasesSpec {
  readonly devices: number;
  /** How many of them ask in a second. */
  readonly checksPerSecond: number;
  /** Bytes of an image. */
  readonly size: number;
  /** How many devices must have booted in a phase before the next. */
  readonly after: number;
  /** The least time between two phases, in s. */
  readonly every: number;
  /** Told what happens. */
  readonly tell: (line: string) => void;
}

export interface PhasesReport {
  readonly fleet: Fleet;
  /** What befell the site, and what its hosts. */
  readonly struck: readonly (readonly string[])[];
  /** The phases that have begun, the first one first, by the rollout and by the log. */
  readonly begun: readonly number[];
  readonly logged: readonly number[];
  /** Phases that began before their gate was met, in words. */
  readonly early: readonly string[];
  /** Devices that were offered the release before a phase that has them in it. */
  readonly tooSoon: number;
  /** What became of the devices, as `sidekick firmware status` shows it. */
  readonly shown: Pick<Figures, 'offered' | 'downloaded' | 'booted' | 'failed' | 'lost'>;
}

interface Phase {
  readonly percent: number;
  readonly at: string;
  readonly booted: number;
}

/** The phases that a release is to walk through. */
export const WANTED_PHASES: readonly number[] = PHASES;

export async function walkThroughPhases(
  site: FirmwareSite,
  spec: PhasesSpec,
  dice: Dice,
): Promise<PhasesReport> {
  const [old, next] = [site.image(OLD, spec.size), site.image(NEW, spec.size)];
  /** When each device started the release first. */
  const startedAt = new Map<Device, number>();
  const devices = manyDevices({
    ...{ sites: site.ask, type: TYPE, count: spec.devices },
    ...{ firmware: old, publicKey: site.publicKey },
  });
  const fleet = new Fleet(devices, {
    checksPerSecond: spec.checksPerSecond,
    asksAfterStart: true,
    isExpected,
    checked(device, update) {
      if (update?.firmware.version === NEW && !startedAt.has(device)) startedAt.set(device, Date.now());
    },
  });
  for (const firmware of [old, next]) fleet.know(firmware);
  fleet.allow(() => [NEW]);
  await site.publish(old);
  await site.order('rollout', TYPE, '--version', OLD, '--percent', '100');
  await site.order('promote', TYPE);
  await site.answersDevices();
  await site.publish(next);
  const phases = PHASES.map((percent) => `${percent}%`).join(',');
  const gate = ['--after', String(spec.after), '--every', `${spec.every}s`, '--max-failures', '2%'];
  await site.order('rollout', TYPE, '--version', NEW, '--phases', phases, ...gate);
  fleet.start();
  const end = new AbortController();
  const striking = strikeUntil(site, dice, spec.tell, end.signal);
  striking.catch(() => {});
  try {
    await lastPhase(site, spec.tell, striking);
    end.abort();
    const struck = await striking;
    spec.tell('nothing fails any more');
    await until(`every device runs ${NEW}`, () => fleet.running().get(NEW) === spec.devices, {
      timeoutMs: 300_000,
    });
    await fleet.round();
    const shown = await settledFigures(site, spec.devices);
    const found = await phasesOf(site);
    return {
      ...{ fleet, struck, shown },
      begun: found.map(({ percent }) => percent),
      logged: await loggedPhases(site),
      early: [...earlyPhases(found, spec), ...uncovered(startedAt, found)],
      tooSoon: countTooSoon(startedAt, found),
    };
  } finally {
    end.abort();
    await fleet.stop();
  }
}

/** Strikes the site and its hosts, at the same time, until the signal is aborted. */
function strikeUntil(
  site: FirmwareSite,
  dice: Dice,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly (readonly string[])[]> {
  return Promise.all([
    strikeSiteAgainAndAgain(site, dice, tell, signal),
    strikeAgainAndAgain(site, dice, tell, signal),
  ]);
}

/** Resolves when the last phase has begun; rejects where what strikes fails before. */
async function lastPhase(
  site: FirmwareSite,
  tell: (line: string) => void,
  striking: Promise<unknown>,
): Promise<void> {
  let seen = 0;
  const begun = until(
    'the last phase has begun',
    async () => {
      const phases = await phasesOf(site);
      for (const { percent } of phases.slice(seen)) tell(`PHASE ${percent} % has begun`);
      seen = phases.length;
      return phases.at(-1)?.percent === PHASES.at(-1);
    },
    { timeoutMs: 600_000 },
  );
  await Promise.race([begun, striking]);
  await begun;
}

async function phasesOf(site: FirmwareSite): Promise<readonly Phase[]> {
  return progressOf(await site.state(), Date.now())?.phases ?? [];
}

/** The percentages of the phases that watchers have begun, as the log has it, after that of the rollout. */
async function loggedPhases(site: FirmwareSite): Promise<readonly number[]> {
  const { log } = await site.state();
  const texts = log.filter(({ action }) => action === 'phase').map(({ text }) => text);
  return [PHASES[0] as number, ...texts.map((text) => Number(/(\d+) %/.exec(text)?.[1]))];
}

/** What `status` shows, once all devices are counted as booted or a minute has passed. */
async function settledFigures(site: FirmwareSite, devices: number): Promise<PhasesReport['shown']> {
  let shown = { offered: -1, downloaded: -1, booted: -1, failed: -1, lost: -1 };
  await until('all are counted', async () => {
    const { code, out, err } = await site.firmware('status', TYPE, '--json');
    if (code !== 0) throw new Error(err);
    const { progress } = JSON.parse(out) as { progress: { all: PhasesReport['shown'] } };
    const { offered, downloaded, booted, failed, lost } = progress.all;
    shown = { offered, downloaded, booted, failed, lost };
    return booted === devices;
  }).catch(() => undefined);
  return shown;
}

function earlyPhases(
  phases: readonly Phase[],
  { after, every }: Pick<PhasesSpec, 'after' | 'every'>,
): readonly string[] {
  return phases.slice(1).flatMap(({ percent, at }, i) => {
    const before = phases[i] as Phase;
    const passed = (Date.parse(at) - Date.parse(before.at)) / 1000;
    if (before.booted >= after && passed >= every) return [];
    return [`${percent} % began ${passed} s after ${before.percent} %, with ${before.booted} devices booted`];
  });
}

/** Phases that began with more devices counted as booted than had started the release. */
function uncovered(startedAt: ReadonlyMap<Device, number>, phases: readonly Phase[]): readonly string[] {
  let counted = 0;
  return phases.slice(1).flatMap(({ percent, at }, i) => {
    counted += (phases[i] as Phase).booted;
    const started = [...startedAt.values()].filter((time) => time <= Date.parse(at)).length;
    if (counted <= started) return [];
    return [
      `${percent} % began with ${counted} devices counted as booted, of ${started} that had started it`,
    ];
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

/** A server or an NGINX that fails takes a download with it, and NGINX may give up in time: see `updateUnderFaults`. */
function isExpected({ kind, message }: DeviceFailure): boolean {
  return kind === 'connection' || /: status 50[234]$/.test(message);
}
