import { eventsScope } from './events.js';
import {
  firmwarePauseScope,
  firmwarePromoteScope,
  firmwarePruneScope,
  firmwareResumeScope,
  firmwareRollbackScope,
  firmwareRolloutScope,
} from './firmware/change.js';
import { firmwareGroupScope } from './firmware/group.js';
import { firmwarePublishScope } from './firmware/publish.js';
import { firmwareReportScope, firmwareStatusScope } from './firmware/report.js';
import { configInitScope } from './init.js';
import { drainScope, undrainScope, unholdScope } from './operator.js';
import { registerScope } from './register.js';
import { statusScope } from './status.js';
import { versionScope } from './version.js';
import { watchScope } from './watch.js';

/** Every command that takes options, with its scope. */
export const SCOPES = {
  register: registerScope,
  watch: watchScope,
  status: statusScope,
  events: eventsScope,
  drain: drainScope,
  undrain: undrainScope,
  unhold: unholdScope,
  'config init': configInitScope,
  version: versionScope,
  'firmware publish': firmwarePublishScope,
  'firmware list, show and log': firmwareReportScope,
  'firmware status': firmwareStatusScope,
  'firmware group': firmwareGroupScope,
  'firmware rollout': firmwareRolloutScope,
  'firmware pause': firmwarePauseScope,
  'firmware resume': firmwareResumeScope,
  'firmware promote': firmwarePromoteScope,
  'firmware rollback': firmwareRollbackScope,
  'firmware prune': firmwarePruneScope,
} as const;
