import { beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { type CommandDescription, describeCommands } from '../../../src/commands/describe.js';

const { escapeRoff, manPages } = (await import(
  new URL('../../../docker/packages/man-pages.mjs', import.meta.url).href
)) as {
  escapeRoff: (text: string) => string;
  manPages: (
    root: CommandDescription,
    about: { readonly version: string; readonly date: string },
  ) => ReadonlyMap<string, string>;
};

let root: CommandDescription;
let pages: ReadonlyMap<string, string>;

beforeAll(async () => {
  root = await describeCommands(COMMANDS);
  pages = manPages(root, { version: '1.2.3', date: '2026-01-31' });
});

describe('the manual', () => {
  it('has a page for sidekick and one for each command, in section 8', () => {
    const names = ['sidekick', ...COMMANDS.map(({ name }) => `sidekick-${name}`)];
    expect([...pages.keys()]).toEqual(names.map((name) => `${name}.8`));
  });

  it('has every option of every command', () => {
    for (const { path, flags, commands } of root.commands) {
      const page = pages.get(`sidekick-${path.join('-')}.8`);
      if (commands.length === 0)
        for (const { flag } of flags) expect(page).toContain(`\\fB${escapeRoff(flag)}\\fR`);
    }
    expect(pages.get('sidekick-firmware.8')).toContain('\\fB\\-\\-percent\\fR');
  });

  it('refers to the page of a command for the options that another one takes from it', () => {
    const page = pages.get('sidekick-config.8') ?? '';
    expect(page).toContain('It takes the options of\n.BR sidekick\\-watch (8)');
    expect(page).not.toContain('\\-\\-guard');
    expect(page).toContain('\\-\\-output');
  });

  it('lets no text be taken for a request of troff', () => {
    expect(escapeRoff("a\\b -x\n.so /etc/passwd\n'tis")).toBe("a\\eb \\-x\n\\&.so /etc/passwd\n\\&'tis");
    const requests = /^\.(?:TH|SH|SS|TP|PP|BR|IR|RS|RE|EX|EE)(?: |$)/;
    for (const page of pages.values()) {
      for (const line of page.split('\n')) if (/^[.']/.test(line)) expect(line).toMatch(requests);
    }
  });
});
