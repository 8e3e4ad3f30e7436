import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { registerScope } from '../../../src/config/register.js';
import { watchScope } from '../../../src/config/watch.js';
import { load } from './support.js';

const DIRECTORY = 'units/deb/examples';
const DOCUMENTS = ['README.md', ...readdirSync('docs').map((name) => join('docs', name))];

/** The configurations that people are shown: those of the package, and those in the documents. */
const EXAMPLES = [
  ...readdirSync(DIRECTORY).map((name) => [name, readFileSync(join(DIRECTORY, name), 'utf8')] as const),
  ...DOCUMENTS.flatMap((document) =>
    [...readFileSync(document, 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(
      ([, text = ''], i) => [`${document}, example ${i + 1}`, text] as const,
    ),
  ),
];

it.each(EXAMPLES)('the example %s is valid', (_, file) => {
  const forWatcher = /^nginx:/m.test(file);
  const { effective } = forWatcher ? load(watchScope, { file }) : load(registerScope, { file });
  expect(effective).toHaveProperty('etcd.endpoints');
});

it('the examples are found', () => {
  expect(EXAMPLES.length).toBeGreaterThan(3);
});
