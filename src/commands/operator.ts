import { connectEtcd, type EtcdConnection } from '../adapters/etcd/connect.js';
import type { etcdOptions } from '../config/options/common.js';
import { refuseProblems } from '../config/problem.js';
import type { Values } from '../config/schema.js';
import { createFileReader } from '../config/secret.js';
import { etcdSettings } from '../config/settings/etcd.js';
import { parseAddress } from '../core/address.js';
import { EtcdError, SidekickError, UsageError } from '../core/errors.js';
import { type Instance, type KeySpace, parseService } from '../core/keys.js';
import type { Result } from '../core/result.js';
import { untilInterrupted } from './interruption.js';

/** What an operator's command works with. */
export interface Desk extends EtcdConnection {
  readonly space: KeySpace;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Runs an operator's command against etcd, and closes the connection behind it. */
export async function atDesk<T>(
  values: Values<typeof etcdOptions>,
  env: Readonly<Record<string, string | undefined>>,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const files = createFileReader(env);
  const { etcd, space } = etcdSettings(values, files);
  refuseProblems(files.problems);
  const connection = connectEtcd(etcd);
  try {
    return await untilInterrupted((signal) => work({ ...connection, space, signal }));
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
