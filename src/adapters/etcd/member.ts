import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { NEVER } from '../../async/abort.js';
import { messageOf } from '../../core/errors.js';
import { callOptions } from './call-options.js';
import { DEFAULT_REQUEST_TIMEOUT, type EtcdOptions } from './options.js';

/** The largest answer that is taken, in bytes: whatever may be much is asked for in parts. */
export const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * How long a login may take, in ms. etcd checks a password with bcrypt, which takes it some 80 ms of CPU, and a fleet
 * that comes back after an outage asks all at once: a login that is given up is work for nothing that is asked for
 * again. A member that does not answer at all is found by the connection's own keepalive, well before this.
 */
const LOGIN_TIMEOUT = 30_000;

/**
 * One member of the cluster with its own etcd3 client, so that it is ours to say which member a call goes to, and one
 * member's failure is never held against another.
 */
export class Member {
  readonly client: Etcd3;
  readonly #auth: EtcdOptions['auth'];
  readonly #timeout: number;
  #token: Promise<string | undefined> | undefined;

  constructor(
    readonly endpoint: string,
    options: EtcdOptions,
  ) {
    this.client = new Etcd3(clientOptions(endpoint, options));
    this.#auth = options.auth;
    this.#timeout = options.requestTimeout ?? DEFAULT_REQUEST_TIMEOUT;
  }

  /**
   * The user's token, asked for once and kept until it is forgotten; undefined where there is no user, or etcd knows of
   * none yet. That is not kept: once access control is on, an etcd that takes the client certificate's name for the user
   * denies a call without a token as it denies any other, so the next call must not go without.
   */
  token(): Promise<string | undefined> {
    this.#token ??= this.#authenticate().then(
      (token) => {
        if (token === undefined) this.#token = undefined;
        return token;
      },
      (error: unknown) => {
        this.#token = undefined;
        throw error;
      },
    );
    return this.#token;
  }

  forgetToken(): void {
    this.#token = undefined;
  }

  // Our own and not etcd3's, which never closes the channel that it authenticates over, and renews no stream's token.
  async #authenticate(): Promise<string | undefined> {
    if (!this.#auth) return undefined;
    const { username: name, password } = this.#auth;
    const timeout = Math.max(this.#timeout, LOGIN_TIMEOUT);
    const options = callOptions({ signal: NEVER, token: undefined, timeout });
    try {
      return (await this.client.auth.authenticate({ name, password }, options)).token;
    } catch (error) {
      // A user is configured, but this etcd has no users (yet): as the official client does, go without.
      if (messageOf(error).includes('authentication is not enabled')) return undefined;
      throw error;
    }
  }
}

function clientOptions(endpoint: string, options: EtcdOptions): IOptions {
  const { tls, keepAliveInterval = 6000, keepAliveTimeout = 2000 } = options;
  const secure = endpoint.startsWith('https://');
  return {
    hosts: endpoint,
    // Retries are the callers', who know what they are for; and a circuit that opens would kill healthy leases.
    faultHandling: { global: noop, host: () => noop },
    ...(secure && tls ? { credentials: credentials(tls) } : {}),
    grpcOptions: {
      'grpc.keepalive_time_ms': keepAliveInterval,
      'grpc.keepalive_timeout_ms': keepAliveTimeout,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.max_receive_message_length': MAX_ANSWER,
      // A call that timed out then gets a new connection, and not the half-open one that another channel still shares.
      'grpc.use_local_subchannel_pool': 1,
      ...(secure && tls?.serverName ? { 'grpc.ssl_target_name_override': tls.serverName } : {}),
    },
  };
}

function credentials({
  ca,
  cert,
  key,
}: NonNullable<EtcdOptions['tls']>): NonNullable<IOptions['credentials']> {
  return {
    // etcd3's type asks for a root certificate; gRPC takes Node's own where there is none.
    rootCertificate: (ca ?? null) as Buffer,
    ...(key && cert ? { privateKey: key, certChain: cert } : {}),
  };
}
