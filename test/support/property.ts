/**
 * fast-check with one seed for all: a test that fails here fails everywhere, and again. `PROPERTY_SEED=7` is another seed, and
 * `PROPERTY_SEED=random` a new one for each property, which a failure prints.
 */
// biome-ignore lint/style/noRestrictedImports: the one place, with the seed.
import fc from 'fast-check';

const { PROPERTY_SEED = '1' } = process.env;
if (PROPERTY_SEED !== 'random')
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(PROPERTY_SEED) });

export { fc };
