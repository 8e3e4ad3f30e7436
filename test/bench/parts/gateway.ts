/** The gateway's traffic beside NGINX's own upstream groups and HAProxy: a benchmark of its own, run and shown as it is. */
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
    const stopShowing = child.out.onLine(bench.say);
    await child.succeeded();
    stopShowing();
    return { rows: [], output: child.out.lines.join('\n') };
  },
};
