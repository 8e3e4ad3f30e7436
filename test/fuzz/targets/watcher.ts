import { vi } from 'vitest';
import { watcherText } from '../../../src/commands/status-text.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { decodeRegistration } from '../../../src/core/registration-codec.js';
import { FakeNginx } from '../../support/fake-nginx.js';
import { fc } from '../../support/property.js';
import { address, STREAM, useFakeClock, Watching } from '../../support/watching.js';
import { anyWrite, SERVICES, type Write } from '../inputs/registrations.js';
import { ACCEPTED, type Acceptance, rejected, type Target, together } from '../target.js';

/** Of another service than the noise is about. */
const GOOD = [address('192.0.2.1:1883'), address('192.0.2.2:1883')] as const;

/** Enough for a change to be in NGINX, and for every retry of a call that it could take. */
const A_WHILE = 3_000;

/** What terminals act on: C0 but the line feed, DEL, C1, and what turns the direction of text. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

function acceptanceOf(writes: readonly Write[], watching: Watching): Acceptance {
  const said = new Map(watching.watcher.status().rejected.map(({ reason, ...rest }) => [rest.key, reason]));
  return together(
    writes.map(({ key, value }) => {
      const decoded = decodeRegistration(DEFAULT_KEY_PREFIXES, key, value);
      if (!key.startsWith(DEFAULT_KEY_PREFIXES.services) || decoded.status === 'accepted') return ACCEPTED;
      return rejected(said.get(key) ?? decoded.reason);
    }),
  );
}

async function serves(watching: Watching, wanted: readonly string[], when: string): Promise<void> {
  await watching.pass(A_WHILE);
  const servers = watching.lb.servers(STREAM);
  const good = servers.filter(({ parameters }) => !parameters.down).map((server) => server.address as string);
  if (JSON.stringify(good.sort()) !== JSON.stringify(wanted))
    throw new Error(
      `${when}, the other service has ${JSON.stringify(good)} and not ${JSON.stringify(wanted)}`,
    );
}

/** Writes the noise before, amid and after what a service of good conduct does. */
async function judge(writes: readonly Write[]): Promise<Acceptance> {
  const http = [...SERVICES];
  await using watching = new Watching({ nginx: [new FakeNginx({ http, stream: ['mqtt'] })] });
  const { registry } = watching;
  watching.register('mqtt', GOOD[0], { weight: 2 });
  await serves(watching, [GOOD[0]], 'at first');
  for (const { key, value } of writes) registry.write(key, value);
  await serves(watching, [GOOD[0]], 'with the noise');
  watching.register('mqtt', GOOD[1]);
  await serves(watching, [...GOOD], 'after another instance has come');
  silence(registry, writes);
  watching.vanish('mqtt', GOOD[0]);
  await serves(watching, [GOOD[1]], 'after the noise and an instance have gone');
  inspect(watching);
  return acceptanceOf(writes, watching);
}

function silence(registry: Watching['registry'], writes: readonly Write[]): void {
  for (const { key } of writes.slice(0, writes.length / 2)) registry.delete(key);
}

function inspect({ log, watcher }: Watching): void {
  const failed = log.events('worker-failed');
  if (failed.length > 0) throw new Error(`a worker failed: ${JSON.stringify(failed[0]?.fields)}`);
  const text = watcherText(watcher.status(), 0);
  const found = UNPRINTABLE.exec(text);
  if (found)
    throw new Error(
      `the status has ${JSON.stringify(text.slice(Math.max(0, found.index - 40), found.index + 20))}`,
    );
}

export const watcher: Target<readonly Write[]> = {
  name: 'watcher',
  about: 'keys and values of etcd, to a watcher between fakes',
  inputs: fc.array(anyWrite, { minLength: 1, maxLength: 12 }),
  short: 20,
  async open() {
    useFakeClock();
    return {
      judge,
      async [Symbol.asyncDispose]() {
        vi.useRealTimers();
      },
    };
  },
};
