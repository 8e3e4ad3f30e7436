import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at the size that it starts with, 1 MB, instead of letting it grow to 16 MB while modules are
 * loaded. A process that then makes little garbage would hold that for its whole life: `register` takes 5 MB less, and no
 * more CPU. Of no use where much is read at a time, as in `watch`: what outlives a small young generation goes to the old one.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
