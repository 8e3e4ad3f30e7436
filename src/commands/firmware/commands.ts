import { type CommandTable, command } from '../command.js';

const TYPE = [{ name: 'type', doc: 'Type of the devices, such as lamp-v2.' }];

/** `sidekick firmware …`. */
export const FIRMWARE_COMMANDS: CommandTable = [
  command({
    name: 'publish',
    summary: 'Check an image, upload it, and create its release.',
    description:
      'Reads what the image says of itself, refuses what would harm a device, uploads it to one firmware server and\n' +
      'creates the release. It is offered to nobody before `sidekick firmware rollout`.',
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
      'Shows the devices of a group, or changes which they are; a group that does not exist is made. `show` lists the\n' +
      'groups of a type. The id of a device is its MAC address in any notation, or the name by which it asks.',
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
      'Makes a release the candidate and offers it to a percentage of the devices, to groups, or to both.\n' +
      'A percentage that grows keeps the devices that it had. All others are offered the stable release.\n' +
      'With --phases it grows by itself, and with --max-failures it stops by itself.',
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
    summary: 'Show what became of what devices were offered.',
    description:
      'Shows what devices are offered, how many have fetched, booted or failed it, what that proves, and what the next\n' +
      'phase waits for; of one type, or of every type.',
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
    summary: 'Offer the candidate to nobody any more.',
    description: 'Stops everything that has not begun: no device is offered the candidate until `resume`.',
    args: TYPE,
    examples: ['sidekick firmware pause lamp-v2 --reason "boards of batch 7 reboot"'],
    scope: async () => (await import('../../config/firmware/change.js')).firmwarePauseScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).pauseCommand(invocation),
  }),
  command({
    name: 'resume',
    summary: 'Offer a paused candidate again.',
    description: 'Ends a pause: the candidate is offered to the same devices as before, or to --percent.',
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
    summary: 'Take back the candidate, or else the stable release.',
    description:
      'Takes back the candidate; where there is none, the stable release for the one before it.\n' +
      'Devices that only take newer versions (esp32FOTA) keep what they have: publish a fixed release for them.',
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
      'Deletes the records of old releases, except the newest ones and those that the rollout names.',
    args: TYPE,
    examples: ['sidekick firmware prune lamp-v2 --keep 5'],
    scope: async () => (await import('../../config/firmware/change.js')).firmwarePruneScope,
    file: 'lenient',
    run: async (invocation) => (await import('./change.js')).pruneCommand(invocation),
  }),
  command({
    name: 'log',
    summary: 'Show who changed what of a type.',
    description: 'Shows every change of a type: who made it, when, and what it was. The newest comes last.',
    args: TYPE,
    examples: ['sidekick firmware log lamp-v2'],
    scope: async () => (await import('../../config/firmware/report.js')).firmwareReportScope,
    file: 'lenient',
    run: async (invocation) => (await import('./report.js')).logCommand(invocation),
  }),
];
