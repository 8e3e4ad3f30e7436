import type { Tls } from '../../core/tls.js';

/** TLS of a probe. An empty object means TLS with the authorities of Node.js. */
export interface ProbeTls extends Tls {
  /** Accept any certificate; default false. */
  readonly insecure?: boolean;
}

/** `GET`s a path; healthy on an expected status. */
export interface HttpProbeSpec {
  readonly type: 'http';
  /** `host:port`, IPv6 as `[host]:port`. */
  readonly target: string;
  /** Default `/`. */
  readonly path?: string;
  /** Default `GET`. */
  readonly method?: 'GET' | 'HEAD';
  /** The healthy statuses; default 200 to 399. Redirects are not followed. */
  readonly status?: readonly number[];
  /** Request headers; `host` may be given. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Present: HTTPS. */
  readonly tls?: ProbeTls;
}

/** Opens a connection (and completes the TLS handshake, if any); healthy when that works. */
export interface TcpProbeSpec {
  readonly type: 'tcp';
  readonly target: string;
  readonly tls?: ProbeTls;
}

/** Sends a real CONNECT, expects CONNACK with return code 0, sends DISCONNECT. */
export interface MqttProbeSpec {
  readonly type: 'mqtt';
  readonly target: string;
  /** Protocol version: 4 is MQTT 3.1.1 (the default), 5 is MQTT 5. */
  readonly version?: 4 | 5;
  /** Default: `sidekick` and random letters, anew for each probe, so that no two sessions take each other over. */
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: ProbeTls;
  /** Keeps one session and pings it, instead of a session for each probe; default false. */
  readonly lasting?: boolean;
  /** A broker that refuses whoever it does not know is alive all the same: healthy; default false. */
  readonly strangersRefused?: boolean;
}

/** Runs a program without a shell; healthy when it exits with 0. It is killed when the probe's time is over. */
export interface ExecProbeSpec {
  readonly type: 'exec';
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Added to the daemon's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a probe looks at and how. Its timing is a `HealthPolicy`. */
export type ProbeSpec = HttpProbeSpec | TcpProbeSpec | MqttProbeSpec | ExecProbeSpec;
