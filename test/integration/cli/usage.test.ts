import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../support/containers/index.js';
import { run, start } from './cli.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidekick-cli-'));
});
afterAll(() => rm(directory, { recursive: true }));

const ONE = ['--service', 'firmware', '--address', '10.0.0.11:8080'];

describe('wrong usage', () => {
  it('exits with 2 for a bad flag', async () => {
    const { code, out, err } = await run(['register', ...ONE, '--lease-ttl', '15']);
    expect(err).toBe(
      'sidekick: lease.ttl: must be a duration such as 15s, 5m or 250ms, at least 2s, got "15" (--lease-ttl)',
    );
    expect([code, out]).toEqual([2, '']);
  });

  it('exits with 2 for a bad variable', async () => {
    const { code, err } = await run(['watch', '--nginx-api', 'http://lb/api'], {
      SIDEKICK_GUARD_MAX_LOSS: '50%',
    });
    expect(err).toBe(
      'sidekick: guard.maxLoss: must be a number from 0 to 1, got "50%" (SIDEKICK_GUARD_MAX_LOSS)',
    );
    expect(code).toBe(2);
  });

  it('exits with 2 for a bad file, and lists every error in it', async () => {
    const path = join(directory, 'bad.yaml');
    writeFileSync(
      path,
      'services:\n  - { service: firmware, address: 10.0.0.1:70000 }\n  - { service: mqtt, address: 10.0.0.1:1883, probe: { type: smtp } }\nguard: {}\n',
    );
    const { code, err } = await run(['register', '--config', path]);
    expect(err).toContain('sidekick: 3 problems in the configuration\n');
    expect(err).toContain('services[0].address: must be host:port');
    expect(err).toContain('port must be 1 to 65535, got "70000"');
    expect(err).toContain('services[1].probe.type: must be one of tcp, http, mqtt, exec, got "smtp"');
    expect(err).toContain('guard: is an unknown key');
    expect(code).toBe(2);
  });

  it('exits with 2 for an unknown command and for an unknown flag', async () => {
    const [command, flag] = await Promise.all([
      run(['regster']),
      run(['watch', '--nginx', '[]', '--drainage', '1s']),
    ]);
    expect(command.err).toContain("unknown command 'regster'");
    expect(command.err).toContain('commands are register, watch,');
    expect(flag.err).toContain("unknown option '--drainage'");
    expect([command.code, flag.code]).toEqual([2, 2]);
  });

  it('exits with 2 for two services at one address', async () => {
    const entry = '{service: firmware, address: "10.0.0.1:80"}';
    const { code, err } = await run([
      'register',
      '--services',
      `[${entry}, ${entry}]`,
      '--admin-listen',
      'off',
    ]);
    expect(err).toContain(
      'services[1].address: must be different from that of every other entry of the service, got 10.0.0.1:80',
    );
    expect(code).toBe(2);
  });
});

describe('a failure at run time', () => {
  it('exits with 1 for an admin port that is taken, and says what to do', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    const { code, err } = await run(['register', ...ONE, '--admin-listen', `127.0.0.1:${port}`]);
    other.close();
    expect(err).toContain(
      `sidekick: admin.listen: cannot listen on 127.0.0.1:${port}: another process listens there`,
    );
    expect(err).toContain('give another address, or off, with --admin-listen');
    expect(code).toBe(1);
  });

  it.each([
    ['drain', 'firmware', '10.0.0.11:8080', '--wait'],
    ['undrain', 'firmware', '10.0.0.11:8080'],
    ['unhold', 'firmware'],
  ])('%s exits with 1 without an etcd', async (...args) => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const { code, err } = await run([...args, '--etcd-endpoints', endpoint]);
    expect(err).toContain(`is this the address of etcd: ${endpoint}? Give another with --etcd-endpoints`);
    expect(code).toBe(1);
  });

  it('exits with 1 for watch --once without an etcd, when its time is over', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const { code, err } = await run([
      ...['watch', '--once', '--timeout', '1s', '--etcd-endpoints', endpoint],
      ...['--nginx-api', 'http://127.0.0.1:1/api'],
    ]);
    expect(err).toMatch(
      new RegExp(
        `sidekick: not done within 1s \\(--timeout\\): still waiting for etcd at ${endpoint} \\(etcd: `,
      ),
    );
    expect(code).toBe(1);
  });

  it('exits with 1 for status without a running sidekick', async () => {
    const admin = `http://127.0.0.1:${await freePort()}`;
    const { code, err } = await run(['status', '--admin', admin]);
    expect(err).toMatch(new RegExp(`^sidekick: ${admin} does not answer .*is a sidekick running there\\?`));
    expect(code).toBe(1);
  });
});

describe('a stop signal', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s exits with 0 in bounded time while etcd is unavailable',
    async (signal) => {
      const endpoint = `http://127.0.0.1:${await freePort()}`;
      const cli = start([
        ...[
          'register',
          ...ONE,
          '--etcd-endpoints',
          endpoint,
          '--admin-listen',
          'off',
          '--drain-timeout',
          '1s',
        ],
      ]);
      await cli.event('lease-renewal-failed');
      cli.signal(signal);
      const { code } = await cli.ended();
      expect(cli.events('daemon-stopping')[0]).toMatchObject({
        signal,
        ending: 'draining, then deregistering',
      });
      expect(code).toBe(0);
    },
  );

  it('ends a pass that waits for etcd', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const cli = start([
      'watch',
      '--once',
      '--nginx-api',
      'http://127.0.0.1:9/api',
      '--etcd-endpoints',
      endpoint,
    ]);
    await cli.event('etcd-unavailable');
    cli.signal('SIGINT');
    const { code, err } = await cli.ended();
    expect(err).toContain('sidekick: interrupted by SIGINT');
    expect(code).toBe(1);
  });
});

it('the registrar waits for its own address while the host has none', async () => {
  const cli = start([
    'register',
    '--service',
    'firmware',
    '--address',
    'auto:nosuch0:8080',
    '--admin-listen',
    'off',
  ]);
  expect(await cli.event('address-unknown')).toMatchObject({
    reason: expect.stringContaining('there is no interface nosuch0') as string,
  });
  cli.signal('SIGTERM');
  expect((await cli.ended()).code).toBe(0);
});

it('a URL that is probably not that of the API causes a warning', async () => {
  const cli = start(['watch', '--nginx-api', 'http://127.0.0.1:9', '--admin-listen', 'off']);
  expect(await cli.event('config-suspicious')).toMatchObject({
    reason: expect.stringContaining('the API is usually at http://127.0.0.1:9/api') as string,
  });
});

it('a variable that is no option causes a warning', async () => {
  const cli = start(['register', ...ONE, '--admin-listen', 'off'], { SIDEKICK_LEESE_TTL: '5s' });
  expect(await cli.event('variable-unknown')).toMatchObject({ key: 'SIDEKICK_LEESE_TTL' });
});
