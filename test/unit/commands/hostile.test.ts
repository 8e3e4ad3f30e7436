import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { nameList, notFound } from '../../../src/commands/not-found.js';
import { printLines } from '../../../src/commands/print-lines.js';
import { runCommandLine } from '../../../src/commands/program.js';
import { registrarText, watcherText } from '../../../src/commands/status-text.js';
import { registrarSummary, watcherSummary } from '../../../src/commands/systemd-status.js';
import { reportText } from '../../../src/commands/watch-once.js';
import type { Address } from '../../../src/core/address.js';
import { SidekickError } from '../../../src/core/errors.js';
import { decodeMaintenance } from '../../../src/core/maintenance.js';
import type { Log } from '../../../src/core/ports.js';
import type { RegistrarStatus } from '../../../src/daemon/registrar/status.js';
import type { WatcherOverview, WatcherStatus } from '../../../src/daemon/watcher/status.js';
import { startAdminServer } from '../../../src/telemetry/admin-server.js';
import { EventJournal } from '../../../src/telemetry/event-journal.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { createSdNotify } from '../../../src/telemetry/systemd-notify.js';
import { throttleLog } from '../../../src/telemetry/throttled-log.js';
import { HARMFUL, hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';
import { recordingLog } from '../../support/silent.js';

/** Every text of a watcher's status that somebody else may have written. */
function watcherOverview(text: string): WatcherOverview {
  return {
    id: text,
    etcd: { connected: false, state: 'refused', error: text },
    superseded: true,
    nginx: [
      {
        name: text,
        connected: false,
        upstreams: [{ kind: 'http', name: text, inSync: false, servers: 1 }],
      },
    ],
  };
}

function watcherStatus(text: string): WatcherStatus {
  return {
    ...watcherOverview(text),
    ready: false,
    services: [{ name: text, registered: 1, draining: 0, rejected: 0, overLimit: 0 }],
    maintenance: [
      { service: text, address: text as Address, ...decodeMaintenance(text), by: text, reason: text },
    ],
    rejected: [{ key: text, reason: text }],
    nginx: [
      {
        name: text,
        connected: false,
        version: text,
        error: text,
        problems: [{ service: text, code: 'no-upstream', message: text }],
        upstreams: [
          {
            kind: 'http',
            name: text,
            services: [text],
            inSync: false,
            servers: [{ address: text, state: 'unknown', lastState: text, active: 1 }],
            held: [{ address: text, until: 0 }],
            unmanaged: 0,
            errors: [text],
          },
        ],
      },
    ],
  };
}

function registrarStatus(text: string): RegistrarStatus {
  return {
    phase: 'draining',
    connected: true,
    etcd: { state: 'refused', error: text },
    ready: false,
    waitingFor: [text],
    services: [{ service: text, address: text, health: 'unhealthy', key: 'absent', reason: text }],
  };
}

function onceReport(text: string): Parameters<typeof reportText>[0] {
  const upstream = { kind: 'http', name: text, errors: [text], inSync: false } as const;
  const cause = { kind: 'lease-ended' } as const;
  const action = { type: 'remove', address: text as Address, id: 1, reason: 'idle', cause } as const;
  const problems = [{ service: text, code: 'no-upstream', message: text } as const];
  return {
    inSync: false,
    nginx: [{ name: text, error: text, problems, upstreams: [{ ...upstream, actions: [action] }] }],
  };
}

/** Nothing harmful, as many lines as with harmless text, and no line without end. */
function expectHarmless(shown: (text: string) => string): void {
  fc.assert(
    fc.property(hostileText, (text) => {
      const output = shown(text);
      expect(output).not.toMatch(HARMFUL);
      expect(output.split('\n')).toHaveLength(shown('harmless').split('\n').length);
      for (const line of output.split('\n')) expect(line.length).toBeLessThanOrEqual(1000);
    }),
    { numRuns: 60 },
  );
}

describe('untrusted text', () => {
  it('adds no line and moves no cursor in the status of a watcher', () => {
    expectHarmless((text) => watcherText(watcherStatus(text), 0));
  });

  it('adds no line and moves no cursor in the status of a registrar', () => {
    expectHarmless((text) => registrarText(registrarStatus(text)));
  });

  it('adds no line and moves no cursor in the report of a single pass', () => {
    expectHarmless((text) => reportText(onceReport(text), false));
  });

  it('adds no line and moves no cursor in the messages to an operator', () => {
    expectHarmless((text) => {
      const out = new PassThrough();
      printLines(out, `waiting for ${text}`);
      return String(out.read());
    });
  });

  it('adds no line to the error of a command that found nothing', () => {
    expectHarmless(
      (text) => notFound(`registered are ${nameList([text, text])}`, `perhaps ${text}?`).message,
    );
    const names = Array.from({ length: 9000 }, () => 'x'.repeat(100_000));
    expect(nameList(names)).toMatch(/ and 8992 more$/);
    expect(nameList(names).length).toBeLessThan(1000);
  });

  it('never shows a rejected key of 100 kB whole, nor thousands of keys', () => {
    const key = `/services/firmware/${'x'.repeat(100_000)}`;
    const rejected = Array.from({ length: 9000 }, () => ({ key, reason: 'address must be host:port' }));
    const text = watcherText({ ...watcherStatus('lb1'), rejected }, 0);
    expect(text).toContain('… and 8980 more');
    expect(text.length).toBeLessThan(10_000);
  });

  it.each(['json', 'pretty'] as const)('stays on one bounded log line, as %s', (format) => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const stream = new PassThrough();
        const log: Log = throttleLog(createLogger({ level: 'info', format }, stream), () => 0);
        const fields = { key: text, [text]: text, nested: { [text]: [text, { deep: text }] } };
        log.warn({ event: 'registration-rejected', ...fields, error: new Error(text) }, text);
        const output = String(stream.read());
        expect(output).toMatch(/^[^\n]+\n$/);
        expect(output).not.toMatch(HARMFUL);
        expect(output.length).toBeLessThan(40_000);
      }),
      { numRuns: 60 },
    );
  });

  it('is not logged as a value of 6 MB, a list of a million or an endless structure', () => {
    const stream = new PassThrough({ highWaterMark: 1e8 });
    const log = createLogger({ level: 'info', format: 'json' }, stream);
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    log.warn(
      { event: 'x', value: 'v'.repeat(6_000_000), list: new Array(1_000_000).fill('item'), endless },
      'x',
    );
    const line = JSON.parse(String(stream.read())) as Record<string, unknown>;
    expect(line.value).toMatch(/^v+… \(6000000 characters\)$/);
    expect(line.list).toHaveLength(101);
    expect(JSON.stringify(line).length).toBeLessThan(10_000);
  });

  it('is escaped in the labels of metrics', async () => {
    const metrics = createMetrics(recordingLog());
    const benign = (await metrics.expose()).text.split('\n').filter((line) => line.startsWith('sidekick_'));
    const hostile = 'x\u001b[2J\u009b\u202e\n\nsidekick_ready 1';
    metrics.meter.gauge('sidekick_registrations', 1, { service: hostile });
    const { text } = await metrics.expose();
    expect(text).not.toMatch(HARMFUL);
    expect(text.split('\n').filter((line) => line.startsWith('sidekick_'))).toHaveLength(benign.length + 1);
  });

  it('is escaped in the JSON of /status, which parses back to the same text', async () => {
    const hostile = '\u001b[2J\u009b\u202e\n';
    const admin = await startAdminServer(
      { host: '127.0.0.1', port: 0 },
      {
        healthy: () => true,
        ready: () => true,
        metrics: () => Promise.resolve({ text: '', contentType: 'text/plain' }),
        status: () => ({ key: hostile }),
        events: new EventJournal(Date.now),
      },
    );
    try {
      const body = await (await fetch(`${admin.url}/status`)).text();
      expect(body).not.toMatch(HARMFUL);
      expect(JSON.parse(body)).toEqual({ key: hostile });
    } finally {
      await admin.close();
    }
  });

  it('is one line in the status for systemd', async () => {
    const told: string[] = [];
    const sdNotify = createSdNotify({ NOTIFY_SOCKET: '/x' }, recordingLog(), (lines) => {
      told.push(...lines);
      return Promise.resolve();
    });
    const text = '\u001b[2J\nREADY=1\u009b';
    sdNotify.status(() => registrarSummary(registrarStatus(text)));
    sdNotify.status(() => watcherSummary(watcherOverview(text)));
    await sdNotify.flushed();
    expect(told).toHaveLength(2);
    for (const line of told) expect(line).toMatch(/^STATUS=[^\n]*$/);
    for (const line of told) expect(line).not.toMatch(HARMFUL);
  });

  it('is escaped in the error that ends a command', async () => {
    const err = new PassThrough();
    const world = { env: {}, out: new PassThrough(), err, build: { version: '0' } };
    const failing = {
      name: 'fail',
      summary: '',
      description: '',
      args: [],
      examples: [],
      scope: async () => ({ options: {}, lists: {} }),
      file: 'none' as const,
      run: () => Promise.reject(new SidekickError('X', 'said: \u001b[2J\u009b\u202e\nwhat to do')),
    };
    expect(await runCommandLine([failing], ['fail'], world)).toBe(1);
    expect(String(err.read())).toBe('sidekick: said: \\u001b[2J\\u009b\\u202e\nwhat to do\n');
  });
});
