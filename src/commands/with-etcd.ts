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
import { announceSlowCalls } from './announce-slow-calls.js';
import type { Invocation } from './command.js';
import { printLines } from './print-lines.js';
import { untilInterrupted } from './until-interrupted.js';

/** What an operator's command needs to work with etcd. */
export interface EtcdSession extends EtcdConnection {
  readonly prefixes: KeyPrefixes;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** The part of an invocation that concerns etcd. */
interface EtcdInvocation extends Pick<Invocation, 'sources' | 'err'> {
  readonly config: { readonly values: Values<typeof etcdOptions> };
}

/** Connects to etcd, runs an operator's command and closes the connection. */
export async function withEtcd<T>(
  { config, sources, err }: EtcdInvocation,
  work: (session: EtcdSession) => Promise<T>,
): Promise<T> {
  const files = createFileReader(sources.env);
  const { etcd, prefixes } = etcdSettings(config.values, files);
  refuseProblems(files.problems);
  printLines(err, ...files.warnings.map(({ key, reason }) => `warning: ${key}: ${reason}`));
  const connection = connectEtcd(etcd);
  try {
    const store = announceSlowCalls(connection.store, () =>
      printLines(err, `waiting for etcd at ${etcd.endpoints.join(', ')}`),
    );
    return await untilInterrupted((signal) => work({ ...connection, store, prefixes, signal }));
  } catch (error) {
    throw error instanceof EtcdError ? withAdvice(error, etcd.endpoints) : error;
  } finally {
    connection.close();
  }
}

/** The error with advice on what to do. */
function withAdvice(error: EtcdError, endpoints: readonly string[]): Error {
  const advice: Readonly<Record<string, string>> = {
    UNREACHABLE: `is this the address of etcd: ${endpoints.join(', ')}? Give another with --etcd-endpoints`,
    TIMEOUT: `etcd at ${endpoints.join(', ')} did not answer in time (--etcd-request-timeout)`,
    DENIED: 'the etcd role of this user (--etcd-username, or the name in --etcd-cert) does not permit it',
    AUTH_FAILED: 'check --etcd-username and --etcd-password-file',
  };
  const text = advice[error.code];
  if (text === undefined) return error;
  return new SidekickError(error.code, `${error.message}\n${text}`, { cause: error });
}

/** Who runs this command, as user@host; under sudo the user who called it. */
export function operatorName(env: Readonly<Record<string, string | undefined>>): string {
  return `${env.SUDO_USER || userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // The user id of a container may have no name.
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

/** The value of an argument. Throws a UsageError that names it. */
export function argument<T>(name: string, result: Result<T>): T {
  if (result.ok) return result.value;
  const reason = result.reason.startsWith(name) ? result.reason.slice(name.length + 1) : result.reason;
  throw new UsageError(`${name}: ${reason}`);
}
