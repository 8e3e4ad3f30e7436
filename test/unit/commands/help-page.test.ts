import { describe, expect, it } from 'vitest';
import { HELP_WIDTHS, helpPageName, helpWidth } from '../../../src/commands/help-page.js';

describe('the width of help', () => {
  it.each([
    [undefined, 100],
    [300, 100],
    [100, 100],
    [99, 80],
    [80, 80],
    [40, 80],
    [0, 80],
  ])('is that of a page for %s columns: %s', (columns, width) => {
    expect(helpWidth(columns)).toBe(width);
    expect(HELP_WIDTHS).toContain(width);
  });
});

describe('the name of a help page', () => {
  it('has the words of the command and the width', () => {
    expect(helpPageName([], 80)).toBe('sidekick.80.txt');
    expect(helpPageName(['config', 'check', 'watch'], 100)).toBe('sidekick_config_check_watch.100.txt');
  });
});
