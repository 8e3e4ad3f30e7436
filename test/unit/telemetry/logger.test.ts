import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createLogger, type LogSettings } from '../../../src/telemetry/logger.js';

function logTo(settings: LogSettings) {
  const stream = new PassThrough();
  const log = createLogger(settings, stream);
  const text = () => String(stream.read() ?? '');
  return { log, text, line: () => JSON.parse(text()) as Record<string, unknown> };
}

it('a JSON line has a time, a level in words, the event and its fields', () => {
  const { log, line } = logTo({ level: 'info', format: 'json' });
  log.info({ event: 'server-added', address: '10.0.0.1:80' }, 'server added');
  expect(line()).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    level: 'info',
    event: 'server-added',
    address: '10.0.0.1:80',
    msg: 'server added',
  });
});

it('a secret is not logged, however deep it is', () => {
  const { log, text } = logTo({ level: 'info', format: 'json' });
  const password = 'hunter2';
  log.warn({ password, etcd: { auth: { password } }, nginx: { headers: { authorization: password } } }, 'x');
  const line = text();
  expect(line).not.toContain(password);
  expect(JSON.parse(line)).toMatchObject({ password: '(redacted)', etcd: { auth: '(redacted)' } });
});

it('the level decides what is written', () => {
  const { log, text } = logTo({ level: 'warn', format: 'json' });
  log.info({ event: 'a' }, 'not this');
  log.warn({ event: 'b' }, 'but this');
  expect(text()).toMatch(/^[^\n]*but this[^\n]*\n$/);
});

it('the pretty format is text for people, on one line', () => {
  const { log, text } = logTo({ level: 'info', format: 'pretty' });
  log.info({ event: 'server-added', address: '10.0.0.1:80' }, 'server added');
  expect(text()).toMatch(/^\[[\d:.]+\] INFO: server added \{"address":"10\.0\.0\.1:80"\}\n$/);
});
