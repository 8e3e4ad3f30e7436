/** The gateway's traffic beside NGINX's own upstream groups and HAProxy: a benchmark of its own, run and shown as it is. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Child } from '../host/child.js';
import { type Part, roundsOf, secondsOf } from '../part.js';

const MAIN = fileURLToPath(new URL('../gateway/main.ts', import.meta.url));
const ROUNDS = 2;
const SECONDS = 2;

export const gateway: Part = {
  name: 'gateway',
  title: 'The traffic of the gateway',
  async run(bench) {
    const options = [`--rounds=${roundsOf(bench, ROUNDS)}`, `--seconds=${secondsOf(bench, SECONDS)}`];
    bench.say(`test/bench/gateway ${options.join(' ')}`);
    const { DOCKER_HOST } = process.env;
    const environment = DOCKER_HOST === undefined ? {} : { DOCKER_HOST };
    const child = new Child(process.execPath, ['--import', 'tsx', MAIN, ...options], environment);
    // Its container bears its process id, and outlives it where it is broken off.
    const removeContainer = () => spawnSync('docker', ['rm', '-f', `sidekick-bench-${child.pid}`]);
    process.once('exit', removeContainer);
    const stopShowing = child.out.onLine(bench.say);
    try {
      await child.succeeded();
    } finally {
      stopShowing();
      process.off('exit', removeContainer);
      removeContainer();
    }
    return { rows: [], output: child.out.lines.join('\n') };
  },
};
