import type { Tls } from '../../core/tls.js';

/** How sidekick introduces itself to brokers. */
export interface BrokerOptions {
  /** At most 23 letters and digits, which every broker takes (MQTT 3.1.1, section 3.1.3.1). */
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** undefined: without TLS. */
  readonly tls?: Tls;
}
