// Bundles the njs modules of src/gateway into dist/gateway: njs gives each request a fresh interpreter, in which every
// module and every property of what it exports is made anew, and it knows default exports only.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The modules that NGINX's configuration imports. */
const ENTRIES = ['api_http', 'api_stream', 'balance_http', 'balance_stream', 'retry_http', 'upkeep'];

/** The one way of exporting that esbuild writes and njs cannot read. */
const EXPORT = /export \{\s*(\w+) as default,?\s*\};\s*$/;

await rm(`${root}/dist/gateway`, { recursive: true, force: true });
const { outputFiles } = await build({
  entryPoints: ENTRIES.map((name) => `${root}/src/gateway/njs/${name}.ts`),
  outdir: `${root}/dist/gateway/njs`,
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2017',
  charset: 'utf8',
  external: ['crypto', 'fs'],
});
await mkdir(`${root}/dist/gateway/njs`, { recursive: true });
for (const { path, text } of outputFiles) {
  if (!EXPORT.test(text)) throw new Error(`${path}: no default export at its end`);
  await writeFile(path, text.replace(EXPORT, 'export default $1;\n'));
}
