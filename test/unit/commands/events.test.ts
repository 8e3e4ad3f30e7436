import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { eventText } from '../../../src/commands/events-text.js';
import { runCommandLine } from '../../../src/commands/program.js';
import { type AdminServer, startAdminServer } from '../../../src/telemetry/admin-server.js';
import { EventJournal, type JournaledEvent } from '../../../src/telemetry/event-journal.js';

const EVENT: JournaledEvent = {
  id: 'a-1',
  time: '2026-01-31T12:00:00.000Z',
  level: 'info',
  event: 'server-removed',
  message: 'server removed',
  nginx: 'lb1',
  kind: 'http',
  upstream: 'firmware',
  service: 'firmware',
  address: '10.0.0.1:80',
  reason: 'idle',
  cause: 'lease-ended',
  because: 'its lease expired or was revoked',
};

describe('eventText', () => {
  it.each([
    [
      EVENT,
      '2026-01-31T12:00:00.000Z server-removed lb1 http/firmware firmware 10.0.0.1:80: its lease expired or was revoked (idle)',
    ],
    [
      { ...EVENT, event: 'server-updated', changes: { weight: 3 }, because: 'x', reason: undefined },
      '2026-01-31T12:00:00.000Z server-updated lb1 http/firmware firmware 10.0.0.1:80 weight=3: x',
    ],
    [
      { ...EVENT, event: 'server-failed', because: 'its registration asks to drain', reason: 'status 500' },
      '2026-01-31T12:00:00.000Z server-failed lb1 http/firmware firmware 10.0.0.1:80: its registration asks to drain (status 500)',
    ],
    [
      {
        id: 'a',
        time: EVENT.time,
        level: 'warn',
        event: 'etcd-unavailable',
        message: 'm',
        reason: 'refused',
      },
      '2026-01-31T12:00:00.000Z etcd-unavailable: refused',
    ],
    [
      {
        id: 'a',
        time: EVENT.time,
        level: 'warn',
        event: 'servers-held',
        message: 'm',
        addresses: ['x', 'y'],
        count: 9,
      },
      '2026-01-31T12:00:00.000Z servers-held x, y (9 in all): m',
    ],
  ] as const)('is one line: %s', (event, line) => {
    expect(eventText(event)).toBe(line);
  });
});

describe('sidekick events', () => {
  let journal: EventJournal;
  let server: AdminServer;

  beforeEach(async () => {
    journal = new EventJournal(Date.now);
    server = await start(0);
  });
  afterEach(() => server.close());

  function start(port: number): Promise<AdminServer> {
    const source = {
      healthy: () => true,
      ready: () => true,
      metrics: () => Promise.resolve({ text: '', contentType: 'text/plain' }),
      status: () => ({}),
      events: journal,
    };
    return startAdminServer({ host: '127.0.0.1', port }, source);
  }

  async function restart(port: number): Promise<void> {
    await server.close();
    server = await start(port);
  }

  async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const code = await runCommandLine(COMMANDS, ['events', ...argv, '--admin', server.url], {
      env: {},
      out,
      err,
      build: { version: '1.2.3' },
    });
    out.end();
    err.end();
    return { code, out: await text(out), err: await text(err) };
  }

  it('prints the events of a service, and since when there are any', async () => {
    journal.add(
      'info',
      { event: 'server-added', service: 'firmware', because: 'its registration was written' },
      'x',
    );
    journal.add('info', { event: 'server-added', service: 'mqtt' }, 'x');
    const { code, out, err } = await run('firmware');
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+ server-added firmware: its registration was written\n$/);
    expect(err).toMatch(/^events since \S+, when it was started\n$/);
    const json = await run('mqtt', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ event: 'server-added', service: 'mqtt' });
    expect(json.err).toBe('');
  });

  it('follows the events, over a restart of the daemon too, until it is interrupted', async () => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const lines = createInterface(out)[Symbol.asyncIterator]();
    const next = async () => JSON.parse(String((await lines.next()).value)) as unknown;
    const { port } = new URL(server.url);
    journal = new EventJournal(Date.now);
    await restart(Number(port));
    journal.add('info', { event: 'server-added', service: 'one' }, 'x');
    const argv = ['events', '--follow', '--json', '--admin', server.url];
    const done = runCommandLine(COMMANDS, argv, { env: {}, out, err, build: { version: '1.2.3' } });
    expect(await next()).toMatchObject({ service: 'one' });
    journal.add('info', { event: 'server-added', service: 'two' }, 'x');
    expect(await next()).toMatchObject({ service: 'two' });
    journal = new EventJournal(() => Date.now() + 1);
    journal.add('info', { event: 'server-added', service: 'three' }, 'x');
    await restart(Number(port));
    expect(await next()).toMatchObject({ service: 'three' });
    process.emit('SIGINT', 'SIGINT');
    expect(await done).toBe(1);
    err.end();
    expect(await text(err)).toContain('it was restarted, or has forgotten some: events are missing here');
  });

  it('says what is wrong with an address at which nothing answers', async () => {
    await server.close();
    const { code, err } = await run();
    expect(code).toBe(1);
    expect(err).toContain('--admin');
  });
});
