import { expect, it } from 'vitest';
import { logShortStopTimeout } from '../../../src/commands/stop-timeout.js';
import { recordingLog } from '../../support/silent.js';

const NOTIFY = { INVOCATION_ID: 'x', NOTIFY_SOCKET: '/run/systemd/notify' };

it.each([
  ['a container, which gets 10 s', 30_000, {}, '/.dockerenv', 'a container engine'],
  ['a container, with a drain that is short enough', 5_000, {}, '/.dockerenv', undefined],
  ['a pod, which gets 30 s', 30_000, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, '/.dockerenv', 'Kubernetes'],
  ['a unit without a watchdog', 120_000, { INVOCATION_ID: 'x' }, undefined, 'systemd'],
  [
    'a unit with a watchdog, which extends its stop timeout',
    600_000,
    { ...NOTIFY, WATCHDOG_USEC: '1' },
    undefined,
    undefined,
  ],
  ['a terminal', 600_000, {}, undefined, undefined],
])(
  'the registrar logs in %s whether systemd may end a drain early',
  (_where, drainTimeout, env, file, expected) => {
    const log = recordingLog();
    logShortStopTimeout(drainTimeout, env, log, (path) => path === file);
    expect(log.events('stop-timeout-short').map(({ fields }) => fields.supervisor)).toEqual(
      expected === undefined ? [] : [expected],
    );
  },
);
