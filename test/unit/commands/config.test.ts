import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { runCommandLine } from '../../../src/commands/program.js';

async function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const code = await runCommandLine(COMMANDS, argv, { env, out, err, build: { version: '0' } });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const CHECK = ['config', 'check', 'watch', '--nginx-api', 'http://127.0.0.1:8080/api'];

describe('sidekick config check', () => {
  it('exits with 0 if the configuration is valid', async () => {
    expect(await run(CHECK)).toEqual({
      code: 0,
      out: 'the configuration of sidekick watch is valid\n',
      err: '',
    });
  });

  it('finds a misspelt variable and names the nearest', async () => {
    expect(await run(CHECK, { SIDEKICK_ETCD_ENDPIONTS: 'http://etcd:2379' })).toEqual({
      code: 2,
      out: '',
      err: 'sidekick: SIDEKICK_ETCD_ENDPIONTS: no option has this variable: did you mean SIDEKICK_ETCD_ENDPOINTS?\n',
    });
  });

  it('warns about probable mistakes', async () => {
    const { code, out } = await run([...CHECK, '--etcd-endpoints', 'http://etcd']);
    expect(code).toBe(0);
    expect(out).toMatch(/^warning: etcd\.endpoints: http:\/\/etcd has no port, .*\n.* is valid\n$/);
  });

  it('rejects an impossible URL', async () => {
    const { code, err } = await run(['config', 'check', 'watch', '--nginx-api', 'http://lb:8080/api/9']);
    expect(code).toBe(2);
    expect(err).toContain('without its version, such as http://lb:8080/api, got http://lb:8080/api/9');
  });
});

describe('a flag that does not exist', () => {
  it('is reported without its value, which may be a secret', async () => {
    const { code, err } = await run(['register', '--etcd-password=hunter2']);
    expect(code).toBe(2);
    expect(err).toContain("unknown option '--etcd-password'");
    expect(err).not.toContain('hunter2');
  });
});
