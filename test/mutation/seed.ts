// biome-ignore lint/style/noRestrictedImports: it has a seed of its own.
import fc from 'fast-check';

// A score is of use only if it comes out again: the same input each time. A counterexample is enough, the smallest is not wanted.
fc.configureGlobal({ seed: 1, endOnFailure: true });
