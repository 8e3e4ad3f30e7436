/** Completions in the shells themselves, as a user presses Tab, and the manual pages in what checks them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { COMPLETIONS } from '../../../src/commands/completion/completion.js';
import { describeCommands } from '../../../src/commands/describe.js';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';

const { manPages } = (await import(
  new URL('../../../docker/packages/man-pages.mjs', import.meta.url).href
)) as {
  manPages: (root: object, about: object) => ReadonlyMap<string, string>;
};

let network: TestNetwork;
let shells: Container;

beforeAll(async () => {
  const root = await describeCommands(COMMANDS);
  const pages = manPages(root, { version: '1.2.3', date: '2026-01-31' });
  const completions = Object.entries(COMPLETIONS).map(([shell, script]) => [`/tmp/${shell}`, script(root)]);
  const manual = [...pages].map(([name, text]) => [`/tmp/man/${name}`, text]);
  const files = Object.fromEntries([...completions, ...manual]) as Record<string, string>;
  network = await startNetwork();
  shells = await startContainer({ image: 'sidekick-shells', name: 'shells', network, files });
});

afterAll(() => network?.remove());

async function sh(script: string): Promise<string> {
  const { exitCode, output } = await shells.exec(['sh', '-c', script]);
  expect({ script, exitCode, output }).toMatchObject({ exitCode: 0 });
  return output;
}

/** In the line `sidekick` is a function that prints its arguments, so the shell shows what Tab made of it. */
const SHOW = `sidekick() { printf '<%s>' "$@"; echo; }`;

/** An interactive shell on a terminal of its own, in which these lines are typed. Returns what it showed. */
function typed(shell: string, lines: readonly string[]): Promise<string> {
  const keys = [...lines, 'exit'].map((line) => `${line}\\r`).join('');
  const quoted = keys.replaceAll("'", `'\\''`);
  return sh(`printf '${quoted}' | TERM=dumb script -qec '${shell}' /dev/null`);
}

const TYPED: readonly (readonly [line: string, args: string])[] = [
  ['sidekick firm\\trollo\\tlamp --per\\t5', '<firmware><rollout><lamp><--percent><5>'],
  ['sidekick reg\\t--probe-ty\\tmq\\t', '<register><--probe-type><mqtt>'],
  ['sidekick config ch\\twat\\t--nginx-a\\tx', '<config><check><watch><--nginx-api><x>'],
];

describe('Tab in bash', () => {
  it('completes commands, flags and values', async () => {
    const shown = await typed('bash --norc -i', [
      SHOW.replaceAll('%', '%%'),
      'source /tmp/bash',
      ...TYPED.map(([line]) => line),
    ]);
    for (const [, args] of TYPED) expect(shown).toContain(args);
  });
});

describe('Tab in zsh', () => {
  it('completes commands, flags and values, from a file in fpath', async () => {
    await sh('mkdir -p /tmp/fpath && cp /tmp/zsh /tmp/fpath/_sidekick');
    const shown = await typed('zsh -f -i', [
      'unsetopt prompt_sp; fpath=(/tmp/fpath $fpath); autoload -Uz compinit; compinit -u -D',
      SHOW.replaceAll('%', '%%'),
      // zsh writes --flag= with the value in the same word.
      ...TYPED.map(([line]) => line),
    ]);
    expect(shown).toContain('<firmware><rollout><lamp><--percent=5>');
    expect(shown).toContain('<register><--probe-type=mqtt>');
    expect(shown).toContain('<config><check><watch><--nginx-api=x>');
  });
});

describe('fish', () => {
  const complete = (line: string) =>
    sh(`HOME=/tmp fish --no-config -c 'source /tmp/fish; complete -C "${line}"'`);

  it.each([
    ['sidekick firm', /^firmware\t/],
    ['sidekick firmware roll', /^rollback\t.*\nrollout\t/s],
    ['sidekick register --probe-type ', /^exec\n?.*\nhttp\n?.*\nmqtt\n?.*\ntcp/s],
    ['sidekick register --service watch --drain', /^--drain-timeout\t/],
    ['sidekick config check watch --nginx-a', /^--nginx-api\t/],
  ])('completes %s', async (line, expected) => {
    expect((await complete(line)).trim()).toMatch(expected);
  });
});

describe('every manual page', () => {
  it('passes mandoc and groff without a warning', async () => {
    const found = await sh(
      'cd /tmp/man && for page in *; do mandoc -T lint -W warning "$page"; man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null; done; true',
    );
    expect(found).toBe('');
  });
});
