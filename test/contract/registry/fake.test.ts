import { FakeRegistry } from '../../support/fake-registry.js';
import { describeRegistry } from './suite.js';

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
