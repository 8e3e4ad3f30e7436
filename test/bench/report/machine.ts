/** The machine that a run is on. */
import { cpus, release, totalmem, type } from 'node:os';

/** In one line: cores, memory, kernel, Node.js. */
export function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.replace(/\s+/g, ' ').trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores.length} cores (${model}), ${memory} GB of memory, ${type()} ${release()}, Node.js ${process.version}`;
}
