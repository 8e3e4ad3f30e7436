/** sidekick as users run it: `node dist/main.js`. */
import { fileURLToPath } from 'node:url';
import { Child } from '../host/child.js';
import type { Contender } from './contender.js';

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

/** Every instance of a benchmark is wanted, however many there are of a service. */
const LIMITS = { SIDEKICK_LIMITS_INSTANCES: '100000', SIDEKICK_LIMITS_BYTES: String(64 * 2 ** 20) };
/** Several run on this machine, one after the other and at a time. */
const COMMON = { SIDEKICK_ADMIN_LISTEN: 'off', NODE_ENV: 'production' };

/** Starts `sidekick <args>`. */
export function startSidekick(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Child {
  return new Child(process.execPath, [MAIN, ...args], { ...COMMON, ...environment });
}

export const sidekick: Contender = {
  name: 'sidekick',
  watch: async ({ etcd, nginx }) =>
    startSidekick(['watch', '--etcd-endpoints', etcd.url, '--nginx-api', nginx.url], LIMITS),
};

/** Registers an instance on this machine. */
export function registerBySidekick(etcd: string, service: string, address: string): Child {
  return startSidekick(['register', '--etcd-endpoints', etcd, '--service', service, '--address', address]);
}
