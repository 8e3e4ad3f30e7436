import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unitPath, wordsOf } from './unit-file.js';

type Files = readonly (readonly [from: string, to: string])[];

const load = (name: string) => import(new URL(`../../../docker/packages/${name}`, import.meta.url).href);
const { DOCUMENTS } = (await load('contents.mjs')) as { DOCUMENTS: Record<string, readonly string[]> };
const { documentFiles } = (await load('documents.mjs')) as {
  documentFiles: (name: string, paths: readonly string[] | undefined) => Promise<Files>;
};

const UNITS = {
  sidekick: ['sidekick@.service', 'sidekick-watch.service'],
  'sidekick-gateway': ['loadbalancer.service'],
} as const;

describe.each(Object.keys(UNITS) as (keyof typeof UNITS)[])('the package %s', (name) => {
  async function packaged(): Promise<string[]> {
    return (await documentFiles(name, DOCUMENTS[name])).map(([, to]) => `/${to}`);
  }

  it('contains the documents that its units name', async () => {
    const files = await packaged();
    const named = UNITS[name].flatMap((unit) => wordsOf(unit, 'Unit.Documentation'));
    expect(named.length).toBeGreaterThan(0);
    for (const url of named) expect(files).toContain(url.replace('file://', ''));
  });

  it('contains what its units mention in their comments', async () => {
    const text = UNITS[name].map((unit) => readFileSync(unitPath(unit), 'utf8')).join('\n');
    const mentioned = [...text.matchAll(/\bdocs\/[\w-]+\.md\b/g)].map(
      ([path]) => `/usr/share/doc/${name}/${path}`,
    );
    expect(await packaged()).toEqual(expect.arrayContaining(mentioned));
  });
});

it('a package contains all that its texts link to, and refuses a link that leads nowhere', async () => {
  const files = (await documentFiles('sidekick', DOCUMENTS.sidekick)).map(([from]) => from);
  expect(files).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'docs/security.md',
      'docs/configuration.md',
      'docker/gateway/README.md',
    ]),
  );
  await expect(documentFiles('x', ['docs/there-is-none.md'])).rejects.toThrow('does not exist');
});
