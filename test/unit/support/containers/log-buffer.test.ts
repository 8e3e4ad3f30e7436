import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LogBuffer } from '../../../support/containers/log-buffer.js';

function followed(): { logs: LogBuffer; stream: PassThrough } {
  const logs = new LogBuffer();
  const stream = new PassThrough();
  logs.follow(stream);
  return { logs, stream };
}

describe('LogBuffer', () => {
  it('joins lines that arrive in pieces, the last one when the stream ends', async () => {
    const { logs, stream } = followed();
    stream.write('one\ntw');
    stream.write('o\nthr');
    stream.end('ee');
    await logs.waitFor(/three/);
    expect(logs.lines).toEqual(['one', 'two', 'three']);
  });

  it('finds a line that was printed before the wait for it', async () => {
    const { logs, stream } = followed();
    stream.write('ready\n');
    await logs.waitFor(() => true);
    expect(await logs.waitFor(/ready/)).toBe('ready');
  });

  it('waits for a line after those that it should skip', async () => {
    const { logs, stream } = followed();
    stream.write('ready 1\n');
    await logs.waitFor(/ready/);
    const next = logs.waitFor(/ready/, { from: logs.lines.length });
    stream.write('not yet\nready 2\n');
    expect(await next).toBe('ready 2');
  });

  it('continues over several streams: a container that is started again has a new one', async () => {
    const { logs, stream } = followed();
    stream.end('first life\n');
    await logs.waitFor(/first/);
    const second = new PassThrough();
    logs.follow(second);
    second.write('second life\n');
    await logs.waitFor(/second/);
    expect(logs.lines).toEqual(['first life', 'second life']);
  });

  it('reports the last lines when none came', async () => {
    const { logs, stream } = followed();
    stream.write('out of memory\n');
    await logs.waitFor(/memory/);
    await expect(logs.waitFor(/ready/, { timeoutMs: 1 })).rejects.toThrow(
      /no line matched.*\nout of memory/s,
    );
  });
});
