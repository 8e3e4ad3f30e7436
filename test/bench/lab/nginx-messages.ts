/** What the harness and the process of the NGINX Plus API tell each other. */
import type { Layout } from './layout.js';

export type NginxRequest =
  /** A new NGINX at a new address, with the groups of a layout, and with its servers where it is `filled`. */
  | { readonly kind: 'reset'; readonly layout: Layout; readonly filled: boolean }
  /** Answered by {@link Arrival}s when all these servers were added since the reset, or after `timeout` ms. */
  | { readonly kind: 'wait'; readonly addresses: readonly string[]; readonly timeout: number }
  /** Answered by {@link NginxReport}, as `reset` is. */
  | { readonly kind: 'report' };

/** When the request that added a server had arrived, in ms by the machine's monotonic clock; null where none had. */
export type Arrival = number | null;

/** All counts since the reset. */
export interface NginxReport {
  /** The root of the API, without a version. */
  readonly url: string;
  /** Connections accepted. */
  readonly connections: number;
  /** Requests by method. */
  readonly requests: Readonly<Record<string, number>>;
  /** Servers in all groups. */
  readonly servers: number;
  /** Those of them that are draining or down. */
  readonly outOfRotation: number;
}
