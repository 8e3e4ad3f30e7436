import { SidekickError } from '../core/errors.js';

/** Runs work that ends by itself. SIGINT and SIGTERM abort its signal. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const onSignal = (name: NodeJS.Signals) =>
    interrupted.abort(new SidekickError('INTERRUPTED', `interrupted by ${name}`));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, onSignal);
  try {
    return await work(interrupted.signal);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal);
  }
}
