/** The failures to expect at the moment, because something was broken on purpose. Any other failure is a loss. */
export interface Expectations {
  /** Names of the backends that were killed without warning: what they had under way is gone with them. */
  readonly killed: Set<string>;
  /** From the kill of a broker until it is out of the gateway, a new session may be tried on it in vain. */
  brokerIsDead: boolean;
  /** NGINX is down, or up and not yet set again. */
  nginxIsDown: boolean;
}

/** Nothing may go wrong. */
export function expectNoLoss(): Expectations {
  return { killed: new Set(), brokerIsDead: false, nginxIsDown: false };
}
