import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type CommandTable, command, type Invocation } from '../../../src/commands/command.js';
import { COMMANDS } from '../../../src/commands/commands.js';
import { runCommandLine } from '../../../src/commands/program.js';
import { registerScope } from '../../../src/config/register.js';
import { SidekickError, UsageError } from '../../../src/core/errors.js';

async function run(argv: string, env: Record<string, string> = {}, table: CommandTable = COMMANDS) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const words = argv.split(' ').filter((word) => word !== '');
  const code = await runCommandLine(table, words, { env, out, err, build: { version: '1.2.3' } });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

/** A command line with one command that does what the test says. */
function tableOf(work: (invocation: Invocation) => Promise<number>): CommandTable {
  const spec = { name: 'do', summary: '', description: '', args: [{ name: 'thing', doc: '' }], examples: [] };
  return [
    command({
      ...spec,
      scope: async () => registerScope,
      file: 'strict',
      run: (invocation) => work(invocation as never),
    }),
  ];
}

const ONE = '--service firmware --address 10.0.0.11:8080';

describe('a wrong command line', () => {
  it.each([
    [
      'nonsense',
      /unknown command 'nonsense'.*commands are register, watch, status, events, drain, undrain, unhold, firmware, config/s,
    ],
    ['register --nonsense', /unknown option '--nonsense'.*see sidekick register --help/s],
    ['register --wieght 5', /unknown option '--wieght'.*Did you mean --weight\?/s],
    ['register --weight', /option '--weight <integer>' argument missing/],
    ['register firmware', /too many arguments/],
    ['drain firmware', /missing required argument 'address'/],
    ['config', /Commands:.*check/s],
    ['config check', /Commands:.*register/s],
    ['config check nonsense', /unknown command 'nonsense'.*commands are register, watch/s],
    [
      `register ${ONE} --weight 0`,
      /^sidekick: weight: must be an integer from 1 to 65535, got "0" \(--weight\)\n$/,
    ],
    ['watch', /^sidekick: nginx\.api: is required: give --nginx-api or SIDEKICK_NGINX_API/],
    [
      'register --config /nonexistent.yaml',
      /config: must be a file that can be read, got "\/nonexistent\.yaml"/,
    ],
    ['drain firmware nowhere', /address: must be host:port \(IPv6 as \[host\]:port\), got "nowhere"/],
    ['drain bad/name 10.0.0.1:80', /service: must be letters, digits/],
    ['unhold bad/name', /service: must be letters, digits/],
    ['status --admin localhost', /admin: must be an http:\/\/ or https:\/\/ URL, got "localhost"/],
  ])('exits with 2 and says what is allowed: %s', async (argv, expected) => {
    const { code, out, err } = await run(argv);
    expect(err).toMatch(expected);
    expect([code, out]).toEqual([2, '']);
  });

  it('prints the help if there is no command', async () => {
    const { code, err } = await run('');
    expect(code).toBe(2);
    expect(err).toMatch(/^Usage: sidekick/);
  });
});

describe('help', () => {
  it.each([
    ['--help', /^Usage: sidekick \[options\] \[command\].*register +Keep services registered/s],
    ['register --help', /--weight <integer> +Share of the traffic, 1 to 65535\. \(default 1\).*Examples:/s],
    ['watch -h', /NGINX:.*--nginx-api <url>.*etcd:.*--etcd-endpoints <url>/s],
    ['config print watch --help', /--nginx-api <url>/],
  ])('is printed by %s', async (argv, expected) => {
    const { code, out, err } = await run(argv);
    expect(out).toMatch(expected);
    expect([code, err]).toEqual([0, '']);
  });

  it('is not needed for the version', async () => {
    expect(await run('--version')).toEqual({
      code: 0,
      out: 'sidekick 1.2.3 (run from its sources)\n',
      err: '',
    });
  });
});

describe('running a command', () => {
  it('gives the command its flags, variables and arguments', async () => {
    let seen: Invocation | undefined;
    const table = tableOf((invocation) => {
      seen = invocation;
      return Promise.resolve(0);
    });
    const argv = `do it ${ONE} --meta zone=a --meta rack=2 --backup --no-down`;
    const { code } = await run(argv, { SIDEKICK_WEIGHT: '7', SIDEKICK_DOWN: 'true' }, table);
    expect(code).toBe(0);
    expect(seen?.args).toEqual(['it']);
    expect(seen?.config.lists.services?.[0]?.values).toMatchObject({
      service: 'firmware',
      weight: 7,
      meta: { zone: 'a', rack: '2' },
      backup: true,
      down: false,
    });
  });

  it('returns the exit code of the command', async () => {
    expect(
      (
        await run(
          `do it ${ONE}`,
          {},
          tableOf(() => Promise.resolve(1)),
        )
      ).code,
    ).toBe(1);
  });

  it.each([
    [new UsageError('weight: must be less'), 2, 'sidekick: weight: must be less\n'],
    [new SidekickError('ETCD', 'etcd is unavailable'), 1, 'sidekick: etcd is unavailable\n'],
  ])('prints the message of the error that the command throws: %s', async (error, code, err) => {
    expect(
      await run(
        `do it ${ONE}`,
        {},
        tableOf(() => Promise.reject(error)),
      ),
    ).toEqual({ code, out: '', err });
  });

  it('prints the stack of an unexpected error', async () => {
    const { code, err } = await run(
      `do it ${ONE}`,
      {},
      tableOf(() => Promise.reject(new TypeError('surprise'))),
    );
    expect(code).toBe(1);
    expect(err).toMatch(/^sidekick: TypeError: surprise\n +at /);
  });
});

describe('config', () => {
  it('accepts a valid configuration with check', async () => {
    expect(await run(`config check register ${ONE}`)).toEqual({
      code: 0,
      out: 'the configuration of sidekick register is valid\n',
      err: '',
    });
  });

  it('reads the files that options name with check', async () => {
    const { code, err } = await run(
      'config check watch --nginx-api https://lb/api --nginx-ca /nonexistent/ca.pem',
    );
    expect(code).toBe(2);
    expect(err).toMatch(/nginx\.ca: must be a file that can be read, got "\/nonexistent\/ca\.pem"/);
  });

  it('prints the effective configuration as a file with print', async () => {
    const { code, out } = await run('config print watch --nginx-api http://lb/api', {
      SIDEKICK_LEASE_TTL: '20s',
    });
    expect(code).toBe(0);
    expect(out).toContain('lease:\n  ttl: 20s\n');
    expect(out).toContain('nginx:\n  - api: http://lb/api\n');
  });
});
