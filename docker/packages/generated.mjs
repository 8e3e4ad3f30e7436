// What a package has beside the files of this repository: manual pages and completions, made from the built program.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../setup/run.mjs';
import { manPages } from './man-pages.mjs';

const COMPLETION_PATHS = {
  bash: 'usr/share/bash-completion/completions/sidekick',
  zsh: 'usr/share/zsh/vendor-completions/_sidekick',
  fish: 'usr/share/fish/vendor_completions.d/sidekick.fish',
};

/** `[path in the package, content]` of each. */
export async function generatedFiles(version) {
  const { COMMANDS, COMPLETIONS, describeCommands } = await import(join(root, 'dist/documented.js'));
  const { builtAt } = JSON.parse(await readFile(join(root, 'dist/build.json'), 'utf8'));
  const described = await describeCommands(COMMANDS);
  const pages = manPages(described, { version, date: builtAt.slice(0, 10) });
  return [
    // Without the time in it (gzip -n), so that the same pages make the same package.
    ...[...pages].map(([name, text]) => [`usr/share/man/man8/${name}.gz`, gzipSync(text, { level: 9 })]),
    ...Object.entries(COMPLETION_PATHS).map(([shell, path]) => [path, COMPLETIONS[shell](described)]),
  ];
}
