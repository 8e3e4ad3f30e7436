import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
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

describe('a process that logs', () => {
  const PROGRAM = fileURLToPath(new URL('./programs/log-much.ts', import.meta.url));
  /** More than the buffer of a pipe or a socket holds. */
  const LINES = 500;

  function start(): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, ['--import', 'tsx', PROGRAM, String(LINES)]);
  }

  it('goes on while nobody reads what it has logged', async () => {
    const child = start();
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString()).toBe('logged');
    child.kill('SIGKILL');
  });

  it('has every line written before it ends', async () => {
    const child = start();
    const lines: number[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push((JSON.parse(line) as { line: number }).line);
    }
    expect(lines).toEqual(Array.from({ length: LINES }, (_, n) => n));
  });
});

it.each([
  ['on a terminal', true, '', true],
  ['on a terminal with NO_COLOR', true, '1', false],
  ['elsewhere', false, '', false],
])(
  'the pretty format is coloured only on a terminal, and not with NO_COLOR: %s',
  (_, terminal, noColor, coloured) => {
    const { isTTY } = process.stderr;
    process.stderr.isTTY = terminal;
    vi.stubEnv('NO_COLOR', noColor);
    onTestFinished(() => {
      process.stderr.isTTY = isTTY;
      vi.unstubAllEnvs();
    });
    const { log, text } = logTo({ level: 'info', format: 'pretty' });
    log.info({ event: 'server-added' }, 'server added');
    expect(text().includes('\u001b[')).toBe(coloured);
  },
);
