import { beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { describeCommands, everyCommand } from '../../../src/commands/describe.js';
import { HELP_WIDTHS, helpPageName } from '../../../src/commands/help-page.js';
import { runCommand } from '../../support/command-line.js';
import { helpPagesOfSources } from '../../support/help-pages.js';

let pages: ReadonlyMap<string, string>;
let commands: ReturnType<typeof everyCommand>;

beforeAll(async () => {
  pages = await helpPagesOfSources();
  commands = everyCommand(await describeCommands(COMMANDS));
});

describe('a help page', () => {
  it('is there for each command and group in each width', () => {
    const names = commands.flatMap(({ path }) => HELP_WIDTHS.map((width) => helpPageName(path, width)));
    expect([...pages.keys()]).toEqual(names);
    expect(names).toContain('sidekick.80.txt');
    expect(names).toContain('sidekick_config_check_watch.100.txt');
  });

  it('is what a command prints where there is no terminal', async () => {
    for (const { path } of commands) {
      const { out } = await runCommand([...path, '--help']);
      expect(pages.get(helpPageName(path, 100))).toBe(`${out}\n`);
    }
  });

  it('fits its width', () => {
    for (const { path } of commands) {
      for (const width of HELP_WIDTHS) {
        const lines = pages.get(helpPageName(path, width))?.split('\n') ?? [];
        // A word of its own line, such as an address, is not broken.
        const long = lines.filter((line) => line.length > width && line.trim().includes(' '));
        expect([path, width, long]).toEqual([path, width, []]);
      }
    }
  });

  it('has every example, broken as a shell takes it', () => {
    for (const { path, examples } of commands) {
      for (const width of HELP_WIDTHS) {
        const page = pages.get(helpPageName(path, width)) ?? '';
        const joined = page.replaceAll(/ \\\n +/g, ' ').split('\n');
        for (const example of examples) expect(joined).toContain(`  ${example}`);
      }
    }
    expect(pages.get('sidekick_register.80.txt')).toContain(
      '  sidekick register --service firmware --address 10.0.0.11:8080 \\\n    --probe-type http --probe-path /healthz\n',
    );
  });
});
