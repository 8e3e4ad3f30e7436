import { expect, test } from 'vitest';
import { reference } from '../../../src/config/reference.js';

test('src/config/REFERENCE.md says what the schema says; `npm run docs` writes it anew', async () => {
  await expect(reference()).toMatchFileSnapshot('../../../src/config/REFERENCE.md');
});
