// Bundles the program with the packages it runs on into dist/main.js and chunks beside it: more than a thousand small files, and
// the grammar of etcd's API, take longer to load than all that `sidekick register` does until its key is in etcd. What a
// command does not use stays in chunks that it does not load.
import { readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The commands, and what their manual pages and help pages are made from. */
const ENTRIES = ['src/commands/run-sidekick.ts', 'src/commands/documented.ts'];

/** Packages in CommonJS format ask for Node's own modules by `require`. */
const REQUIRE =
  "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);";

const POOL = 'docker/sidekick/undici-pool.js';

/** `readable-stream` is a copy of Node's own streams for runtimes that have none, or others. */
const ALIASES = { 'readable-stream': 'node:stream' };

/** The call by which etcd3 reads and parses etcd's .proto files, each time that it is loaded. */
const PROTO_CALL = /\(0, proto_loader_1\.loadSync\)\(`[^`]*rpc\.proto`, \{/;

/** Has etcd3 take what its .proto files say as JSON, parsed while the bundle is made. */
const parsedProtos = {
  name: 'parsed-protos',
  setup({ onLoad }) {
    onLoad({ filter: /\/etcd3\/lib\/connection-pool\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!PROTO_CALL.test(text)) throw new Error(`${path}: etcd3 does not read its .proto files as it did`);
      const protos = await parseProtos(path, join(dirname(path), '../proto/rpc.proto'));
      return { contents: text.replace(PROTO_CALL, () => `(0, proto_loader_1.fromJSON)(${protos}, {`) };
    });
  },
};

/** How commander loads what it needs for subcommands that are programs of their own, of which sidekick has none. */
const CHILD_PROCESS = "const childProcess = require('node:child_process');";

/** Has commander load the module when it starts such a program: it takes longer to load than commander. */
const lateChildProcess = {
  name: 'late-child-process',
  setup({ onLoad }) {
    onLoad({ filter: /\/commander\/lib\/command\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes(CHILD_PROCESS))
        throw new Error(`${path}: commander does not load its modules as it did`);
      const late = "const childProcess = { get spawn() { return require('node:child_process').spawn; } };";
      return { contents: text.replace(CHILD_PROCESS, () => late) };
    });
  },
};

/** Gives the client of NGINX's API nothing of undici but its Pool. Another import from it there fails the build. */
const poolOnly = {
  name: 'pool-only',
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.endsWith('/src/adapters/nginx/transport.ts') ? { path: join(root, POOL) } : undefined,
    );
  },
};

/** Has main.js load the commands from the bundle of their own. */
const commandsApart = {
  name: 'commands-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/run-sidekick\.js$/ }, () => ({ path: './run-sidekick.js', external: true }));
  },
};

/** What a .proto file and those that it imports say, as JSON, by the parser that the package at `importer` uses. */
export async function parseProtos(importer, file) {
  const loader = createRequire(importer).resolve('@grpc/proto-loader');
  const { Root } = createRequire(loader)('protobufjs');
  const parsed = await new Root().load(file, { keepCase: true });
  return JSON.stringify(parsed.toJSON());
}

const COMMON = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
};

if (process.argv[1] === import.meta.filename) {
  await rm(join(root, 'dist'), { recursive: true, force: true });
  // A file of its own: what it answers by itself, --version and --help, takes no chunk and no `require`.
  await build({ ...COMMON, entryPoints: ['src/main.ts'], plugins: [commandsApart] });
  await build({
    ...COMMON,
    entryPoints: ENTRIES,
    entryNames: '[name]',
    // Beside the entry points, so that files are found in the same way from all code.
    chunkNames: '[name]-[hash]',
    splitting: true,
    banner: { js: REQUIRE },
    plugins: [parsedProtos, lateChildProcess, poolOnly],
    alias: ALIASES,
  });
}
