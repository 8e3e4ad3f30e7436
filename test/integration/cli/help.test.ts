/** Help as users get it: from the pages that the build has written. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { helpPagesOfSources } from '../../support/help-pages.js';

const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));
const MAIN = join(DIST, 'main.js');

const printed = (...args: readonly string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

it('the build has a page for each command, with what the command prints from its sources', async () => {
  const written = readdirSync(join(DIST, 'help'));
  const pages = new Map(written.map((name) => [name, readFileSync(join(DIST, 'help', name), 'utf8')]));
  expect(pages).toEqual(await helpPagesOfSources());
});

it.each([[[]], [['status']], [['firmware', 'publish']], [['config', 'check']]])(
  'the program prints the page of %j for --help',
  async (words) => {
    const { status, stdout, stderr } = printed(...words, '--help');
    const page = (await helpPagesOfSources()).get(`${['sidekick', ...words].join('_')}.100.txt`);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: page, stderr: '' });
  },
);

it('the help of a command that does not exist is that of sidekick, from the parser of command lines', async () => {
  const { status, stdout, stderr } = printed('nonsense', '--help');
  const page = (await helpPagesOfSources()).get('sidekick.100.txt');
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: page, stderr: '' });
});

describe('a reader that has closed its pipe', () => {
  it.each(['--version', 'register --help'])('is no error of sidekick %s', (line) => {
    const directory = mkdtempSync(join(tmpdir(), 'sidekick-pipe-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    // The fifo has sidekick start when nobody can read its output any more.
    const script = `mkfifo closed
{ read -r _ <closed; "$0" "$@"; echo "ends with $?" >&2; } | { exec <&-; echo >closed; }`;
    const { stderr } = spawnSync('sh', ['-c', script, process.execPath, MAIN, ...line.split(' ')], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect(stderr).toBe('ends with 0\n');
  });
});
