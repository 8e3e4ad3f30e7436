import { expect, it } from 'vitest';
import { reference } from '../../../src/config/reference.js';

it('docs/configuration.md is up to date with the schema (`npm run docs` writes it)', async () => {
  await expect(reference()).toMatchFileSnapshot('../../../docs/configuration.md');
});
