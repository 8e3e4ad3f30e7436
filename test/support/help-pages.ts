/** What `npm run build` writes into dist/help, made from the sources. */
import * as documented from '../../src/commands/documented.js';

const { helpPages } = (await import(
  new URL('../../docker/sidekick/help-pages.mjs', import.meta.url).href
)) as { helpPages: (program: typeof documented) => Promise<ReadonlyMap<string, string>> };

/** The help page of every command in every width, by the name of its file. */
export function helpPagesOfSources(): Promise<ReadonlyMap<string, string>> {
  return helpPages(documented);
}
