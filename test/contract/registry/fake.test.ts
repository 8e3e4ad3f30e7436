import { describe } from 'vitest';
import { FakeRegistry, type Fault } from '../../support/fake-registry.js';
import { describeRefusal, describeRegistry } from './suite.js';

describeRegistry('a registry in memory', async () => {
  const registry = new FakeRegistry();
  return {
    reader: registry,
    store: registry,
    interrupt: () => registry.fault('down'),
    resume: () => registry.fault('none'),
    pass: async (ms) => registry.advance(ms),
    close: async () => undefined,
  };
});

describe('a registry in memory that refuses', () => {
  const faults: [Fault, code: string, readable: boolean][] = [
    ['full', 'NO_SPACE', true],
    ['denied', 'DENIED', false],
    ['locked-out', 'AUTH_FAILED', false],
  ];
  for (const [fault, code, readable] of faults) {
    describeRefusal(`since it is ${fault}`, code, async () => {
      const registry = new FakeRegistry();
      registry.fault(fault);
      return { reader: registry, store: registry, readable, close: async () => undefined };
    });
  }
});
