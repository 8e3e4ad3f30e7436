import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { createLifecycle } from '../../../src/daemon/lifecycle.js';
import { recordingLog } from '../../support/silent.js';

function lifecycleWith(reload?: () => void) {
  const source = new EventEmitter();
  const log = recordingLog();
  const lifecycle = createLifecycle({
    log,
    ending: 'draining',
    source: source as unknown as NodeJS.Process,
    ...(reload && { reload }),
  });
  return { source, log, lifecycle };
}

it.each(['SIGTERM', 'SIGINT'])('the first %s ends gracefully, and is logged', (signal) => {
  const { source, log, lifecycle } = lifecycleWith();
  source.emit(signal, signal);
  expect([lifecycle.stop.aborted, lifecycle.kill.aborted]).toEqual([true, false]);
  expect(log.events('daemon-stopping')[0]?.fields).toMatchObject({ signal, ending: 'draining' });
});

it('the second signal ends at once; a third has no listener, so that the system ends the process', () => {
  const { source, lifecycle } = lifecycleWith();
  source.emit('SIGINT', 'SIGINT');
  source.emit('SIGTERM', 'SIGTERM');
  expect(lifecycle.kill.aborted).toBe(true);
  expect([source.listenerCount('SIGINT'), source.listenerCount('SIGTERM')]).toEqual([0, 0]);
});

it('each SIGHUP reloads until the end has begun', () => {
  let reloads = 0;
  const { source, log } = lifecycleWith(() => {
    reloads += 1;
  });
  source.emit('SIGHUP', 'SIGHUP');
  source.emit('SIGTERM', 'SIGTERM');
  source.emit('SIGHUP', 'SIGHUP');
  expect(reloads).toBe(1);
  expect(log.events('config-reload-ignored')).toHaveLength(1);
});

it('a crash is logged before the process ends', () => {
  const { source, log } = lifecycleWith();
  source.emit('uncaughtExceptionMonitor', new Error('unforeseen'), 'unhandledRejection');
  expect(log.events('daemon-crashed')[0]?.fields).toMatchObject({
    reason: 'unforeseen',
    origin: 'unhandledRejection',
  });
});

it('an unhandled rejection is logged, and ends the process with 1', () => {
  const code = `
    import { createLifecycle } from './src/daemon/lifecycle.ts';
    const error = (fields) => console.log(JSON.stringify(fields));
    createLifecycle({ log: { error }, ending: '' });
    Promise.reject(new Error('unforeseen'));
    setTimeout(() => {}, 60_000);`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  expect(JSON.parse(stdout)).toMatchObject({
    event: 'daemon-crashed',
    origin: 'unhandledRejection',
    reason: 'unforeseen',
  });
  expect(status).toBe(1);
});

it('the lifecycle leaves no listeners behind', () => {
  const { source, lifecycle } = lifecycleWith();
  lifecycle.dispose();
  expect(source.eventNames()).toEqual([]);
});
