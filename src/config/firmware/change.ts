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
      'Share of the devices that are offered it; a device stays in as the share grows.',
    ),
    group: optional(listOf(group), 'Groups of devices that are offered it whatever the percentage.'),
    salt: optional(
      salt,
      'What decides, with a device id, who is among the percentage; default the type and the version. The salt of an ' +
        'earlier release repeats its devices.',
    ),
    phases: optional(
      listOf(percent),
      'Shares that follow one another, such as 1%,10%,50%,100%. The first one begins now, the others as --after and --every ' +
        'say; without these, with --next.',
    ),
    after: optional(
      integer(0, 1_000_000_000),
      'Devices that must have booted the release in a phase before the next one begins.',
    ),
    every: optional(duration('1s'), 'Least time from the beginning of one phase to that of the next.'),
    notBefore: optional(time, 'When the first phase begins, such as 2026-12-01T08:00:00Z; default now.'),
    next: switchOption('Begin the next phase now, whatever it waits for.'),
    maxFailures: optional(
      percent,
      'Halt the rollout when more than this share of the devices failed or were lost, of those whose outcome is known.',
    ),
    min: optional(
      integer(1, 1_000_000_000),
      'Devices with an outcome before --max-failures halts anything; default 30.',
    ),
    interval: optional(
      duration('1s'),
      'How often a device of this type asks: one that is silent for three of these after its download is lost.',
    ),
    rescue: optional(
      listOf(version),
      'Bad releases: devices that report one of them are offered this one whatever the percentage.',
    ),
    rate: optional(rate, 'Most bytes per second of one download, such as 200KB.'),
    shadow: switchOption(
      'Offer it to nobody: count whom --percent (default 100) would reach, from what devices ask. 0 ends the counting.',
    ),
    ...firmwareOptions,
  },
  lists: {},
};

/** The options of `sidekick firmware pause`. */
export const firmwarePauseScope = {
  options: {
    reason: optional(string, 'Why. `sidekick firmware show` and `log` show it.'),
    ...firmwareOptions,
  },
  lists: {},
};

/** The options of `sidekick firmware resume`. */
export const firmwareResumeScope = {
  options: {
    percent: optional(percent, 'Share of the devices from now on; default the one before the pause.'),
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
      'Also take devices back to the older release whose server decides what they install (HTTPUpdate, Tasmota, ESPHome).',
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
      'Releases to keep, the newest first, beside those that the rollout names.',
    ),
    ...firmwareOptions,
  },
  lists: {},
};
