import { expect, test } from 'vitest';
import { tellStopLimit } from '../../../src/commands/stop-limit.js';
import { recordingLog } from '../../support/silent.js';

const NOTIFY = { INVOCATION_ID: 'x', NOTIFY_SOCKET: '/run/systemd/notify' };

test.each([
  ['a container, whose engine gives 10 s', 30_000, {}, '/.dockerenv', 'a container engine'],
  ['a container, with a drain that is short enough', 5_000, {}, '/.dockerenv', undefined],
  ['a pod, which gets 30 s', 30_000, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, '/.dockerenv', 'Kubernetes'],
  ['a unit without a watchdog', 120_000, { INVOCATION_ID: 'x' }, undefined, 'systemd'],
  [
    'a unit with a watchdog, which extends its limit',
    600_000,
    { ...NOTIFY, WATCHDOG_USEC: '1' },
    undefined,
    undefined,
  ],
  ['a terminal', 600_000, {}, undefined, undefined],
])('says whether a drain may be cut short in %s', (_where, drainTimeout, env, file, expected) => {
  const log = recordingLog();
  tellStopLimit(drainTimeout, env, log, (path) => path === file);
  expect(log.events('stop-timeout-exceeded').map(({ fields }) => fields.supervisor)).toEqual(
    expected === undefined ? [] : [expected],
  );
});
