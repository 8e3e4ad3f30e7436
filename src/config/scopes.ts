import { drainScope, undrainScope, unholdScope } from './operator.js';
import { registerScope } from './register.js';
import { statusScope } from './status.js';
import { watchScope } from './watch.js';

/** Every command that takes options, with its scope. */
export const SCOPES = {
  register: registerScope,
  watch: watchScope,
  status: statusScope,
  drain: drainScope,
  undrain: undrainScope,
  unhold: unholdScope,
} as const;
