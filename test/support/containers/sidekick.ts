/** sidekick itself, as `docker run sidekick …` runs it: read-only, and as the image's own user. */
import { noteEvent } from '../occurrences.js';
import type { Backend } from './backends.js';
import { type Container, startContainer } from './container.js';
import type { Etcd } from './etcd.js';
import { API_TOKEN, type Gateway } from './gateway.js';
import type { LogBuffer } from './log-buffer.js';
import type { TestNetwork } from './network.js';

/** A line of the log: JSON with the name of an event. */
export interface LoggedEvent {
  event: string;
  [field: string]: unknown;
}

export interface Sidekick {
  readonly container: Container;
  /** The events logged so far. Lines that are no events are left out. */
  events(): LoggedEvent[];
  /** Resolves with the first event of a name (that satisfies `condition`), logged already or within `timeoutMs`. */
  waitForEvent(
    name: string,
    condition?: (event: LoggedEvent) => boolean,
    options?: { timeoutMs?: number; from?: number },
  ): Promise<LoggedEvent>;
}

/** Reads a line of the log; undefined where it is no event. */
export function parseEvent(line: string): LoggedEvent | undefined {
  try {
    const value = JSON.parse(line) as Partial<LoggedEvent> | null;
    return typeof value?.event === 'string' ? (value as LoggedEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** Notes the events of a log: those logged so far, and those to come. */
export function noteEvents(log: LogBuffer): void {
  const note = (line: string) => noteEvent(parseEvent(line)?.event);
  log.lines.forEach(note);
  log.onLine(note);
}

interface SidekickSpec {
  name: string;
  args: string[];
  environment?: Record<string, string>;
  files?: Record<string, string>;
  /** Directories of this machine by where they are mounted. */
  binds?: Record<string, string>;
  /** Runs in this container's network namespace. */
  beside?: Container;
  /** Writes the files of this firmware server. */
  filesOf?: Container;
}

/** The group that may write a firmware server's files: see docker/firmware/Dockerfile. */
const FIRMWARE_GROUP = 10_002;

/** Starts `sidekick <args>`. It is not waited for: {@link Sidekick.waitForEvent} is for that. */
export async function startSidekick(network: TestNetwork, spec: SidekickSpec): Promise<Sidekick> {
  const { name, args, environment, files, binds, beside, filesOf } = spec;
  const container = await startContainer({
    image: 'sidekick',
    name,
    network,
    command: args,
    ...(environment && { environment }),
    ...(files && { files }),
    ...(binds && { binds }),
    ...(beside && { beside }),
    ...(filesOf && { volumesOf: filesOf, groups: [FIRMWARE_GROUP] }),
  });
  noteEvents(container.logs);
  return {
    container,
    events: () => container.logs.lines.flatMap((line) => parseEvent(line) ?? []),
    async waitForEvent(event, condition = () => true, options) {
      const line = await container.logs.waitFor((text) => {
        const parsed = parseEvent(text);
        return parsed?.event === event && condition(parsed);
      }, options);
      return parseEvent(line) as LoggedEvent;
    },
  };
}

/**
 * Starts the sidekick of a backend: in its network namespace, as a unit on the same host would run. That of a firmware
 * server can write its files.
 */
export function startRegister(
  network: TestNetwork,
  etcd: Etcd,
  backend: Backend,
  extraArgs: string[] = [],
): Promise<Sidekick> {
  return startSidekick(network, {
    name: `${backend.container.name}-sidekick`,
    beside: backend.container,
    ...(backend.service === 'firmware' && { filesOf: backend.container }),
    args: [
      'register',
      '--service',
      backend.service,
      '--address',
      backend.address,
      '--etcd-endpoints',
      etcd.endpoint,
      ...extraArgs,
    ],
  });
}

/** Where a watcher's container has the token of the gateway's API. */
const TOKEN_FILE = '/etc/sidekick/gateway-token';

/** Starts the watcher that keeps a gateway equal to what is registered. */
export function startWatch(
  network: TestNetwork,
  etcd: Pick<Etcd, 'endpoint'>,
  gateway: Gateway,
  extraArgs: string[] = [],
  name = 'watcher',
): Promise<Sidekick> {
  return startSidekick(network, {
    name,
    files: { [TOKEN_FILE]: API_TOKEN },
    args: [
      'watch',
      '--etcd-endpoints',
      etcd.endpoint,
      '--nginx-api',
      gateway.endpoint,
      '--nginx-token-file',
      TOKEN_FILE,
      ...extraArgs,
    ],
  });
}
