import { describe, expect, it } from 'vitest';
import { failureText } from '../../bench/report/failure.js';

function failing(message: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      throw new Error(message);
    },
  };
}

async function failureOf(work: () => Promise<void>): Promise<string> {
  return work().then(
    () => 'none',
    (error: unknown) => failureText(error),
  );
}

describe('failureText', () => {
  it('is the message of an error', async () => {
    expect(failureText(new Error('no answer\nin time'))).not.toContain('\n');
  });

  it('says all that failed, what came first first', async () => {
    const text = await failureOf(async () => {
      await using _outer = failing('the network stays');
      await using _inner = failing('the process is gone');
      throw new Error('a lease is lost');
    });
    expect(text).toBe(
      'a lease is lost; then, at its end: the process is gone; then, at its end: the network stays',
    );
  });
});
