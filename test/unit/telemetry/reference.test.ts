import { expect, it } from 'vitest';
import { eventsReference, metricsReference } from '../../../src/telemetry/reference.js';

it('docs/metrics.md is up to date with the table of metrics (`npm run docs` writes it)', async () => {
  await expect(metricsReference()).toMatchFileSnapshot('../../../docs/metrics.md');
});

it('docs/events.md is up to date with the table of events (`npm run docs` writes it)', async () => {
  await expect(eventsReference()).toMatchFileSnapshot('../../../docs/events.md');
});
