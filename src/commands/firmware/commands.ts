import { type CommandTable, command } from '../command.js';

const TYPE = [{ name: 'type', doc: 'Type of the devices, such as lamp-v2.' }];

/** `sidekick firmware …`. */
export const FIRMWARE_COMMANDS: CommandTable = [
  command({
    name: 'publish',
    summary: 'Check an image, upload it, and create its release.',
    description:
      'Reads the header of the image, refuses an image that would harm a device, uploads it to one firmware server, ' +
      'creates the release, and waits until every firmware server has its files. No device is offered the release before ' +
      '`sidekick firmware rollout`.',
    args: [{ name: 'file', doc: 'The image, such as build/lamp.bin.', value: 'file' }],
    examples: [
      'sidekick firmware publish build/lamp.bin --type lamp-v2 --version 1.3.0 --upload-token-file upload.token',
      'sidekick firmware publish build/lamp.bin --type lamp-v2 --version 1.3.0 --repair',
    ],
    scope: async () => (await import('../../config/firmware/publish.js')).firmwarePublishScope,
    file: 'lenient',
    run: async (invocation) => (await import('./publish.js')).publishCommand(invocation),
  }),
  command({
    name: 'list',
    summary: 'List the types of firmware and what their devices are offered.',
    description: 'Lists every type of firmware with its stable release and its candidate.',
    args: [],
    examples: ['sidekick firmware list', 'sidekick firmware list --json'],
    scope: async () => (await import('../../config/firmware/report.js')).firmwareReportScope,
    file: 'lenient',
    run: async (invocation) => (await import('./report.js')).listCommand(invocation),
  }),
  command({
    name: 'show',
    summary: 'Show the releases and the rollout of a type.',
    description:
      'Shows one type: what its devices are offered, its groups, and its releases, the newest first.',
    args: TYPE,
    examples: ['sidekick firmware show lamp-v2'],
    scope: async () => (await import('../../config/firmware/report.js')).firmwareReportScope,
    file: 'lenient',
    run: async (invocation) => (await import('./report.js')).showCommand(invocation),
  }),
  command({
    name: 'group',
    summary: 'Show or change which devices are in a group.',
    description:
      'Shows the devices of a group, or changes them; a group that does not exist is created. `sidekick firmware show` lists the ' +
      'groups of a type. The id of a device is its MAC address in any notation, or the id that it sends with its requests.',
    args: [...TYPE, { name: 'group', doc: 'Name of the group, such as bench.' }],
    examples: [
      'sidekick firmware group lamp-v2 bench --add 24:6f:28:aa:bb:cc --add 24:6f:28:aa:bb:cd',
      'sidekick firmware group lamp-v2 bench --file bench.txt',
      'sidekick firmware group lamp-v2 bench',
    ],
    scope: async () => (await import('../../config/firmware/group.js')).firmwareGroupScope,
    file: 'lenient',
    run: async (invocation) => (await import('./group.js')).groupCommand(invocation),
  }),
  command({
    name: 'rollout',
    summary: 'Offer a release to a part of the devices.',
    description:
      'Makes a release the candidate and offers it to a percentage of the devices, to groups, or to both. ' +
      'When the percentage grows, devices that were offered the release still are. All others are offered the stable release. ' +
      'With --phases the watchers raise the percentage by themselves, and with --max-failures they halt the rollout by themselves.',
    args: TYPE,
    examples: [
      'sidekick firmware rollout lamp-v2 --version 1.3.0 --group bench',
      'sidekick firmware rollout lamp-v2 --percent 10',
      'sidekick firmware rollout lamp-v2 --phases 1%,10%,50%,100% --after 60 --every 1h --max-failures 2%',
      'sidekick firmware rollout lamp-v2 --next',
      'sidekick firmware rollout lamp-v2 --version 1.3.1 --percent 1 --rescue 1.3.0',
    ],
    scope: async () => (await import('../../config/firmware/change.js')).firmwareRolloutScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).rolloutCommand(invocation),
  }),
  command({
    name: 'status',
    summary: 'Show what devices are offered, and how many have booted it or failed.',
    description:
      'Shows for one type, or for every type, what devices are offered; how many have downloaded it, booted it, failed or are ' +
      'lost, and what these numbers prove; and what the next phase waits for.',
    args: [
      { name: 'type', doc: 'Type of the devices, such as lamp-v2; default every type.', optional: true },
    ],
    examples: ['sidekick firmware status', 'sidekick firmware status lamp-v2 --json'],
    scope: async () => (await import('../../config/firmware/report.js')).firmwareStatusScope,
    file: 'lenient',
    run: async (invocation) => (await import('./status.js')).statusCommand(invocation),
  }),
  command({
    name: 'pause',
    summary: 'Stop offering the candidate.',
    description:
      'Pauses the rollout: no device is offered the candidate until `sidekick firmware resume`. Downloads under way go on.',
    args: TYPE,
    examples: ['sidekick firmware pause lamp-v2 --reason "boards of batch 7 reboot"'],
    scope: async () => (await import('../../config/firmware/change.js')).firmwarePauseScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).pauseCommand(invocation),
  }),
  command({
    name: 'resume',
    summary: 'Offer a paused candidate again.',
    description:
      'Ends a pause or a halt: the candidate is offered to the same devices as before, or to --percent of them all. A limit of ' +
      'failures counts from here on.',
    args: TYPE,
    examples: ['sidekick firmware resume lamp-v2 --percent 5'],
    scope: async () => (await import('../../config/firmware/change.js')).firmwareResumeScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).resumeCommand(invocation),
  }),
  command({
    name: 'promote',
    summary: 'Make the candidate the stable release, which every device is offered.',
    description: 'Makes the candidate the stable release: every device of the type is offered it.',
    args: TYPE,
    examples: ['sidekick firmware promote lamp-v2'],
    scope: async () => (await import('../../config/firmware/change.js')).firmwarePromoteScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).promoteCommand(invocation),
  }),
  command({
    name: 'rollback',
    summary: 'Withdraw the candidate, or else the stable release.',
    description:
      'Withdraws the candidate. Where there is none, withdraws the stable release: the one before it is the stable release ' +
      'again. Devices that only install newer versions (esp32FOTA) keep what they have: publish a fixed release for them.',
    args: TYPE,
    examples: ['sidekick firmware rollback lamp-v2', 'sidekick firmware rollback lamp-v2 --downgrade'],
    scope: async () => (await import('../../config/firmware/change.js')).firmwareRollbackScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).rollbackCommand(invocation),
  }),
  command({
    name: 'prune',
    summary: 'Delete old releases that no rollout names.',
    description:
      'Deletes the records of old releases, except the newest ones, stepping stones, and those that the rollout names.',
    args: TYPE,
    examples: ['sidekick firmware prune lamp-v2 --keep 5'],
    scope: async () => (await import('../../config/firmware/change.js')).firmwarePruneScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).pruneCommand(invocation),
  }),
  command({
    name: 'log',
    summary: 'Show who changed the rollout of a type, when and how.',
    description:
      'Shows every change of a type: who made it, when, and what it was. The newest change comes last.',
    args: TYPE,
    examples: ['sidekick firmware log lamp-v2'],
    scope: async () => (await import('../../config/firmware/report.js')).firmwareReportScope,
    file: 'lenient',
    run: async (invocation) => (await import('./report.js')).logCommand(invocation),
  }),
];
