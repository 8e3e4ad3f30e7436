/** A fleet updates again and again, while the firmware servers fail at random. */
import { until } from '../containers/index.js';
import type { DeviceFailure } from '../devices/failure.js';
import { Fleet, manyDevices } from '../devices/index.js';
import type { Dice } from '../dice.js';
import { strikeAgainAndAgain } from './incidents.js';
import { type FirmwareSite, TYPE } from './site.js';

export interface UpdateSpec {
  readonly devices: number;
  /** How many of them ask in a second. */
  readonly checksPerSecond: number;
  /** Bytes of an image. */
  readonly size: number;
  /** For how long releases are published, in ms; the last of them is rolled out to all. */
  readonly duration: number;
  /** Told what happens. */
  readonly tell: (line: string) => void;
}

export interface UpdateReport {
  readonly releases: number;
  readonly struck: readonly string[];
  readonly fleet: Fleet;
}

/**
 * Rolls out one release after another to 10 %, half, and all. Once the time is over no server fails any more; resolves when
 * every device runs the last release. What went wrong with devices is in the fleet's failures.
 */
export async function updateUnderFaults(
  site: FirmwareSite,
  spec: UpdateSpec,
  dice: Dice,
): Promise<UpdateReport> {
  let running = site.image('1.0.0', spec.size);
  const devices = manyDevices({
    sites: site.ask,
    type: TYPE,
    count: spec.devices,
    firmware: running,
    publicKey: site.publicKey,
  });
  const fleet = new Fleet(devices, { checksPerSecond: spec.checksPerSecond, isExpected });
  fleet.know(running);
  // A type that nobody has published is answered with 404.
  await site.publish(running);
  await site.order('rollout', TYPE, '--version', running.version, '--percent', '100');
  await site.order('promote', TYPE);
  await site.answersDevices();
  const end = new AbortController();
  const endsAt = Date.now() + spec.duration;
  const striking = strikeAgainAndAgain(site, dice, spec.tell, end.signal);
  striking.catch(() => {});
  fleet.start();
  let releases = 0;
  try {
    do {
      const next = site.image(`1.${++releases}.0`, spec.size);
      fleet.know(next);
      await site.publish(next);
      spec.tell(`${next.version} is published`);
      const [before, after] = [running.version, next.version];
      fleet.allow(() => [before, after]);
      for (const percent of ['10', '50', '100']) {
        await site.order('rollout', TYPE, '--version', after, '--percent', percent);
      }
      await site.order('promote', TYPE);
      if (Date.now() >= endsAt) end.abort();
      await until(
        `every device runs ${after}`,
        () => {
          const running = fleet.running().get(after) ?? 0;
          if (running < spec.devices) throw new Error(`${running} of ${spec.devices} do`);
          return true;
        },
        { timeoutMs: 300_000 },
      );
      spec.tell(`every device runs ${after}`);
      running = next;
    } while (!end.signal.aborted);
  } finally {
    end.abort();
    await fleet.stop();
  }
  return { releases, struck: await striking, fleet };
}

/**
 * A server that dies takes the download with it, of which NGINX has sent a part: the device sees a short body, and asks again.
 * Where one server after the other fails, NGINX gives up in time. Never does a device see a 404 or a wrong byte.
 */
function isExpected({ kind, message }: DeviceFailure): boolean {
  return kind === 'connection' || /: status 50[234]$/.test(message);
}

/** What was seen, in words. */
export function summary({ releases, struck, fleet }: UpdateReport): string {
  const { updates, checks, expectedFailures } = fleet;
  const failures = [...expectedFailures].map(([what, times]) => `${times} x ${what}`).join(', ') || 'none';
  return `${releases} releases, ${updates} updates, ${checks} requests; ${struck.length} incidents; failures that servers explain: ${failures}`;
}
