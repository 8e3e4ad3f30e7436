import { hostname, userInfo } from 'node:os';
import { connectEtcd, type EtcdConnection } from '../adapters/etcd/connect.js';
import { refuseProblems } from '../config/engine/problem.js';
import type { Values } from '../config/engine/schema.js';
import { createFileReader } from '../config/engine/secret-files.js';
import { type etcdOptions, etcdSettings } from '../config/etcd.js';
import { parseAddress } from '../core/address.js';
import { EtcdError, SidekickError, UsageError } from '../core/errors.js';
import { type Instance, type KeyPrefixes, parseService } from '../core/keys.js';
import type { Result } from '../core/result.js';
import type { Invocation } from './command.js';
import { untilInterrupted } from './interruption.js';
import { say } from './say.js';

/** What an operator's command works with. */
export interface EtcdSession extends EtcdConnection {
  readonly prefixes: KeyPrefixes;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** What an operator's command is given, as far as it is about etcd. */
interface Order extends Pick<Invocation, 'sources' | 'err'> {
  readonly config: { readonly values: Values<typeof etcdOptions> };
}

/** Runs an operator's command against etcd, and closes the connection behind it. */
export async function withEtcd<T>(
  { config, sources, err }: Order,
  work: (session: EtcdSession) => Promise<T>,
): Promise<T> {
  const files = createFileReader(sources.env);
  const { etcd, prefixes } = etcdSettings(config.values, files);
  refuseProblems(files.problems);
  say(err, ...files.warnings.map(({ key, reason }) => `warning: ${key}: ${reason}`));
  const connection = connectEtcd(etcd);
  try {
    return await untilInterrupted((signal) => work({ ...connection, prefixes, signal }));
  } catch (error) {
    throw error instanceof EtcdError ? explained(error, etcd.endpoints) : error;
  } finally {
    connection.close();
  }
}

/** The error with what to do about it. */
function explained(error: EtcdError, endpoints: readonly string[]): Error {
  const remedies: Readonly<Record<string, string>> = {
    UNREACHABLE: `is etcd at ${endpoints.join(', ')}? Give its address with --etcd-endpoints`,
    TIMEOUT: `etcd at ${endpoints.join(', ')} did not answer in time (--etcd-request-timeout)`,
    DENIED: 'the role of this user (--etcd-username, or the name in --etcd-cert) does not allow it',
    AUTH_FAILED: 'see --etcd-username and --etcd-password-file',
  };
  const remedy = remedies[error.code];
  if (remedy === undefined) return error;
  return new SidekickError(error.code, `${error.message}\n${remedy}`, error.retryable, { cause: error });
}

/** Who runs this command, for those who read about it later: the user behind a sudo where there is one. */
export function whoAsks(env: Readonly<Record<string, string | undefined>>): string {
  return `${env.SUDO_USER || ownName()}@${hostname()}`;
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user id that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

/** The instance that a command's arguments name. */
export function instanceOf([service = '', address = '']: readonly string[]): Instance {
  return {
    service: argument('service', parseService(service)),
    address: argument('address', parseAddress(address)),
  };
}

/** An argument as read; throws a UsageError that names it. */
export function argument<T>(name: string, result: Result<T>): T {
  if (result.ok) return result.value;
  const reason = result.reason.startsWith(name) ? result.reason.slice(name.length + 1) : result.reason;
  throw new UsageError(`${name}: ${reason}`);
}
