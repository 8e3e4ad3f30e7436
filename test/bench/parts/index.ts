/** The parts, in the order in which they run. */
import type { Part } from '../part.js';
import { burst } from './burst.js';
import { change } from './change.js';
import { cli } from './cli.js';
import { failover } from './failover.js';
import { fleet } from './fleet.js';
import { gateway } from './gateway.js';
import { growth } from './growth.js';
import { register } from './register.js';
import { rollout } from './rollout.js';
import { services } from './services.js';
import { start } from './start.js';
import { steady } from './steady.js';
import { storm } from './storm.js';
import { unreachable } from './unreachable.js';

export const PARTS: readonly Part[] = [
  change,
  growth,
  burst,
  start,
  steady,
  storm,
  register,
  services,
  cli,
  fleet,
  unreachable,
  failover,
  rollout,
  gateway,
];
