import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { type CommandDescription, describeCommands, everyCommand } from '../../../src/commands/describe.js';
import { printJson } from '../../../src/commands/print-json.js';
import { runCommandLine } from '../../../src/commands/program.js';
import { watchScope } from '../../../src/config/watch.js';
import { load } from '../config/support.js';

const BUILD = { version: '1.2.3', commit: '0123456789abcdef', builtAt: '2026-01-31T12:00:00Z' };

async function run(...argv: readonly string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const code = await runCommandLine(COMMANDS, argv, { env: {}, out, err, build: BUILD });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const WATCH = ['watch', '--nginx-api', 'http://lb:8080/api'];

/** Commands that report nothing but what they write: a daemon, a script or a file. */
const WITHOUT_JSON = [
  'register',
  'config init register',
  'config init watch',
  'completion bash',
  'completion zsh',
  'completion fish',
];

describe('--json', () => {
  it('is an option of every command that reports', async () => {
    const commands = everyCommand(await describeCommands(COMMANDS)).filter(
      (each) => each.commands.length === 0,
    );
    const hasJson = ({ flags }: CommandDescription) => flags.some(({ flag }) => flag === '--json');
    expect(commands.filter((each) => !hasJson(each)).map(({ path }) => path.join(' '))).toEqual(WITHOUT_JSON);
  });

  it('prints the build for version', async () => {
    const { code, out } = await run('version', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ ...BUILD, node: process.versions.node });
    expect((await run('version')).out).toMatch(
      /^sidekick 1\.2\.3 \(commit 0123456789ab, built 2026-01-31T12:00:00Z\)\nNode\.js \d+\./,
    );
  });

  it('prints what is probably a mistake for config check', async () => {
    const { out } = await run('config', 'check', ...WATCH, '--etcd-endpoints', 'http://etcd', '--json');
    expect(JSON.parse(out)).toEqual({
      command: 'watch',
      valid: true,
      warnings: [{ key: 'etcd.endpoints', reason: expect.stringContaining('has no port') as string }],
    });
  });

  it('prints the configuration for config print, without itself', async () => {
    const { out } = await run('config', 'print', ...WATCH, '--json');
    const printed = JSON.parse(out) as object;
    expect(printed).toMatchObject({ lease: { ttl: '15s' }, nginx: [{ api: 'http://lb:8080/api' }] });
    expect(printed).not.toHaveProperty('json');
  });
});

it('an option for one run is refused in a file, with the flag that it is', () => {
  expect(() => load(watchScope, { file: 'json: true\nnginx: { api: "http://lb/api" }\n' })).toThrow(
    /^json: cannot be in a file: give --json/,
  );
});

it('JSON is printed whole, however long it is: a line of text is cut at 1,000 characters', () => {
  const out = new PassThrough();
  const notes = `${'x'.repeat(5000)}\u001b[2J`;
  printJson(out, { notes });
  const text = String(out.read());
  expect(text).not.toContain('\u001b');
  expect(JSON.parse(text)).toMatchObject({ notes: expect.stringContaining('x'.repeat(5000)) as string });
});
