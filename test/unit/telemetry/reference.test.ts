import { expect, it } from 'vitest';
import { eventsReference, metricsReference } from '../../../src/telemetry/reference.js';

it('the file docs/metrics.md agrees with the table of metrics (`npm run docs` writes it)', async () => {
  await expect(metricsReference()).toMatchFileSnapshot('../../../docs/metrics.md');
});

it('the file docs/events.md agrees with the table of events (`npm run docs` writes it)', async () => {
  await expect(eventsReference()).toMatchFileSnapshot('../../../docs/events.md');
});
