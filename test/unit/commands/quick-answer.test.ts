import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quickAnswer } from '../../../src/commands/quick-answer.js';

let directory: string;
let main: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sidekick-dist-'));
  mkdirSync(join(directory, 'dist/help'), { recursive: true });
  main = pathToFileURL(join(directory, 'dist/main.js')).href;
  writeFileSync(join(directory, 'package.json'), '{"version":"1.2.3"}');
  for (const name of ['sidekick', 'sidekick_status', 'sidekick_firmware_publish']) {
    for (const width of [80, 100])
      writeFileSync(join(directory, `dist/help/${name}.${width}.txt`), `${name} in ${width}\n`);
  }
  // What a word that is no command could lead to.
  mkdirSync(join(directory, 'dist/help/sidekick_..'));
  for (const name of ['help/x', 'x']) writeFileSync(join(directory, `dist/${name}.100.txt`), 'secret');
});

afterAll(() => rmSync(directory, { recursive: true }));

function answer(line: string, columns?: number): string | undefined {
  return quickAnswer(
    line.split(' ').filter((word) => word !== ''),
    main,
    () => columns,
  );
}

describe('the quick answer', () => {
  it.each(['--version', '-V'])('is the build for %s', (line) => {
    expect(answer(line)).toBe('sidekick 1.2.3 (run from its sources)\n');
  });

  it.each([
    ['--help', 'sidekick'],
    ['-h', 'sidekick'],
    ['status --help', 'sidekick_status'],
    ['status -h', 'sidekick_status'],
    ['firmware publish --help', 'sidekick_firmware_publish'],
  ])('is the page of the command for %s', (line, page) => {
    expect(answer(line)).toBe(`${page} in 100\n`);
  });

  it('is a page that fits the terminal', () => {
    expect(answer('status --help', 99)).toBe('sidekick_status in 80\n');
    expect(answer('status --help', 100)).toBe('sidekick_status in 100\n');
  });

  it.each([
    '',
    'status',
    'nonsense --help',
    'status firmware --help',
    'firmware_publish --help',
    'sidekick --help',
    'Status --help',
    '--help status',
    '--help --help',
    '--version --help',
    '-- --help',
    'status --help firmware',
    'status --json --help',
    '--version status',
  ])('is left to the parser of command lines for "%s"', (line) => {
    expect(answer(line)).toBeUndefined();
  });

  it.each(['/../x --help', '../x --help', '../../x --help', '%2f..%2fx --help', ' --help'])(
    'is no file but a help page for %s',
    (line) => {
      expect(quickAnswer(line.split(' '), main, () => 100)).toBeUndefined();
    },
  );

  it('is none where there are no pages, as beside the sources', () => {
    const source = pathToFileURL(join(directory, 'src/main.ts')).href;
    expect(quickAnswer(['status', '--help'], source, () => 100)).toBeUndefined();
  });
});
