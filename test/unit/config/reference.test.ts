import { expect, it } from 'vitest';
import { reference } from '../../../src/config/reference.js';

it('the file docs/configuration.md agrees with the schema (`npm run docs` writes it)', async () => {
  await expect(reference()).toMatchFileSnapshot('../../../docs/configuration.md');
});
