/**
 * Runs the model-based test of the watcher for as long as is asked: `npm run test:model -- --runs 5000`, and against a
 * real etcd and gateway with `--real`. A failure prints its seed and path; `--seed S --path P` replays it.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    real: { type: 'boolean', default: false },
  },
});

const file = values.real
  ? 'test/integration/watcher/model.test.ts'
  : 'test/unit/daemon/watcher/model.test.ts';
const project = values.real ? 'integration' : 'unit';
const { status } = spawnSync('npx', ['vitest', 'run', '--project', project, file], {
  stdio: 'inherit',
  env: {
    ...process.env,
    MODEL_RUNS: values.runs,
    MODEL_SEED: values.seed ?? String(Math.floor(Math.random() * 2 ** 31)),
    ...(values.path === undefined ? {} : { MODEL_PATH: values.path }),
  },
});
process.exit(status ?? 1);
