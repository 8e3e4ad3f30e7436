import type { versionScope } from '../config/version.js';
import { buildText } from './build.js';
import type { InvocationOf } from './command.js';
import { printJson } from './print-json.js';
import { printLines } from './print-lines.js';

/** `sidekick version`. Resolves to 0. */
export function version({ config, build, out }: InvocationOf<typeof versionScope>): Promise<number> {
  if (config.values.json) printJson(out, { ...build, node: process.versions.node });
  else printLines(out, buildText(build), `Node.js ${process.versions.node}`);
  return Promise.resolve(0);
}
