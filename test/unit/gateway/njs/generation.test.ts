import { beforeEach, describe, expect, it } from 'vitest';
import { currentGeneration } from '../../../../src/gateway/njs/generation.js';
import { FakeNginx } from '../support/memory.js';

let nginx: FakeNginx;

beforeEach(() => {
  nginx = new FakeNginx({});
});

/** The number that a worker sees in an njs VM that has read this value. */
function seen(load: number, pid: number): number {
  return currentGeneration(nginx.worker(pid), load).number;
}

describe('the generation', () => {
  it('is 1 after a start and grows with each load of the configuration', () => {
    expect([seen(10, 11), seen(10, 12), seen(20, 21), seen(20, 22), seen(30, 31)]).toEqual([1, 1, 2, 2, 3]);
  });

  it('keeps that of its load for a worker that is shutting down', () => {
    seen(10, 11);
    seen(20, 21);
    expect(seen(10, 11)).toBe(1);
  });

  it('is one for all njs VMs of a load, even if a process has started between two of them', () => {
    // Regression: a health check while NGINX read its configuration made a gateway begin with generation 2.
    expect([seen(10, 15), seen(12, 15), seen(12, 16), seen(13, 17), seen(10, 16)]).toEqual([1, 1, 1, 1, 1]);
    expect([seen(40, 45), seen(41, 46)]).toEqual([2, 2]);
  });

  it('grows when process ids have wrapped around', () => {
    seen(32_700, 32_710);
    expect(seen(300, 310)).toBe(2);
  });

  it('stays 1 where the kernel does not reveal the last process id', () => {
    expect([seen(0, 11), seen(0, 21)]).toEqual([1, 1]);
  });

  it('has the load time at which a worker first saw it', () => {
    seen(10, 11);
    nginx.pass(5000);
    seen(10, 12);
    expect(currentGeneration(nginx.worker(12), 10).loaded).toBe(nginx.now - 5000);
  });
});
