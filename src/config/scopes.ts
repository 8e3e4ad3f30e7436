import { drainScope, statusScope, undrainScope, unholdScope } from './options/operator.js';
import { registerScope } from './options/register.js';
import { watchScope } from './options/watch.js';

/** Every command that takes options, with its scope. */
export const SCOPES = {
  register: registerScope,
  watch: watchScope,
  status: statusScope,
  drain: drainScope,
  undrain: undrainScope,
  unhold: unholdScope,
} as const;
