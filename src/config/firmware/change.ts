import { duration, integer, listOf, string } from '../engine/formats.js';
import { option, optional, switchOption } from '../engine/schema.js';
import { firmwareOptions } from './common.js';
import { group, percent, rate, salt, time, version } from './formats.js';

/** The options of `sidekick firmware rollout`. */
export const firmwareRolloutScope = {
  options: {
    version: optional(
      version,
      'Release to offer; default the candidate that there is, else the newest release.',
    ),
    percent: optional(
      percent,
      'Share of the devices that are offered the release. A device that is among them stays among them when the share grows.',
    ),
    group: optional(listOf(group), 'Groups whose devices are offered the release whatever the percentage.'),
    salt: optional(
      salt,
      'Text that is hashed with the id of a device to decide whether the device is among the percentage; default the type and ' +
        'the version. With the salt of an earlier release the same devices come first as with that release.',
    ),
    phases: optional(
      listOf(percent),
      'Shares of the devices, one after the other, such as 1%,10%,50%,100%. The first phase begins at once or at --not-before, ' +
        'each later one when --after and --every allow it, or with --next.',
    ),
    after: optional(
      integer(0, 1_000_000_000),
      'Number of devices that must have booted the release in a phase before the next phase begins.',
    ),
    every: optional(
      duration('1s'),
      'Shortest time from the beginning of one phase to the beginning of the next.',
    ),
    notBefore: optional(
      time,
      'Earliest time at which the first phase begins, such as 2026-12-01T08:00:00Z; default now.',
    ),
    next: switchOption('Begin the next phase now, whatever it still waits for.'),
    maxFailures: optional(
      percent,
      'Halt the rollout when more than this share of the devices with a known outcome (booted, failed or lost) failed or were lost.',
    ),
    min: optional(
      integer(1, 1_000_000_000),
      'Number of devices with a known outcome from which on --max-failures may halt the rollout; default 30.',
    ),
    interval: optional(
      duration('1s'),
      'How often a device of this type asks. A device that does not ask for three intervals after its download counts as lost.',
    ),
    rescue: optional(
      listOf(version),
      'Bad releases. Devices that report one of them are offered this release whatever the percentage.',
    ),
    rate: optional(rate, 'Maximum rate of one download, in bytes per second, such as 200KB.'),
    shadow: switchOption(
      'Offer the release to no device, and count the devices among those that ask which --percent (default 100) would reach. ' +
        '--percent 0 ends the count.',
    ),
    ...firmwareOptions,
  },
  lists: {},
};

/** The options of `sidekick firmware pause`. */
export const firmwarePauseScope = {
  options: {
    reason: optional(string, 'Reason, which `sidekick firmware show`, `status` and `log` show.'),
    ...firmwareOptions,
  },
  lists: {},
};

/** The options of `sidekick firmware resume`. */
export const firmwareResumeScope = {
  options: {
    percent: optional(
      percent,
      'Share of the devices that are offered the candidate from now on; default the share before the pause.',
    ),
    ...firmwareOptions,
  },
  lists: {},
};

/** The options of `sidekick firmware promote`. */
export const firmwarePromoteScope = { options: firmwareOptions, lists: {} };

/** The options of `sidekick firmware rollback`. */
export const firmwareRollbackScope = {
  options: {
    downgrade: switchOption(
      'Also offer the older release to devices that install whatever the server offers (HTTPUpdate, Tasmota, ESPHome).',
    ),
    ...firmwareOptions,
  },
  lists: {},
};

/** The options of `sidekick firmware prune`. */
export const firmwarePruneScope = {
  options: {
    keep: option(
      integer(1, 1000),
      5,
      'Number of the newest releases to keep, in addition to those that the rollout names and to stepping stones.',
    ),
    ...firmwareOptions,
  },
  lists: {},
};
