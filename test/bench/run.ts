/** A run of the benchmark: the parts, one after the other. */
import type { Options } from './options.js';
import type { Bench, Part } from './part.js';
import { failureText } from './report/failure.js';
import { machine } from './report/machine.js';
import type { PartReport, Report } from './report/report.js';

/** Runs one part. What it throws is in the report, and the other parts have their turn. */
async function runPart(part: Part, bench: Bench): Promise<PartReport> {
  const { name, title } = part;
  try {
    return { name, title, ...(await part.run(bench)) };
  } catch (error) {
    return { name, title, rows: [], error: failureText(error) };
  }
}

interface Progress {
  /** A part begins. */
  readonly part: (number: number, title: string) => void;
  readonly say: Bench['say'];
}

export async function run(parts: readonly Part[], options: Options, progress: Progress): Promise<Report> {
  const startedAt = new Date();
  const began = performance.now();
  const { rounds, seconds, quick } = options;
  const bench: Bench = { rounds, seconds, quick, say: progress.say };
  const reports: PartReport[] = [];
  for (const [nth, part] of parts.entries()) {
    progress.part(nth + 1, part.title);
    reports.push(await runPart(part, bench));
  }
  return {
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - began) / 1000,
    quick,
    machine: machine(),
    parts: reports,
  };
}
