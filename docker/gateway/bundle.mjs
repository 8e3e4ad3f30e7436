// Bundles the njs modules of src/gateway into dist/gateway: njs gives each request a fresh interpreter, in which every
// module and every property of what it exports is made anew, and it knows default exports only.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The modules that NGINX's configuration imports. */
const ENTRIES = [
  'api_access',
  'api_http',
  'api_stream',
  'balance_http',
  'balance_stream',
  'count_http',
  'count_stream',
  'download',
  'mqtt_clients',
  'ota',
  'outcomes',
  'retry_http',
  'periodic',
];

/**
 * A constant as esbuild writes it. A function that names one has the interpreter make a closure for it, for every request:
 * the value takes its place.
 */
const CONSTANT = /^var ([A-Z][A-Z0-9_]*) = (-?\d+(?:e\d+)?|"[^"\\\n]*");$/gm;

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

async function inlineConstants(text) {
  const define = Object.fromEntries([...text.matchAll(CONSTANT)].map(([, name, value]) => [name, value]));
  const { code } = await transform(text.replace(CONSTANT, ''), { define, target: 'es2017', charset: 'utf8' });
  return code;
}

await mkdir(`${root}/dist/gateway/njs`, { recursive: true });
for (const { path, text: bundled } of outputFiles) {
  const text = await inlineConstants(bundled);
  if (!EXPORT.test(text)) throw new Error(`${path}: no default export at its end`);
  await writeFile(path, text.replace(EXPORT, 'export default $1;\n'));
}
