/** The documents that the cluster test follows: each of their blocks is run there, or left out for a reason. */
import { describe, expect, it } from 'vitest';
import { blockOf, blocksOf, EXCEPTIONS, FOLLOWED, RUN } from '../../cluster/documents.js';

const named = [...Object.values(RUN), ...EXCEPTIONS];

describe.each(FOLLOWED)('the cluster test of %s', (document) => {
  it('has each block run or excepted, once', () => {
    const names = named.filter((name) => name.document === document);
    const unnamed = blocksOf(document).filter(
      (block) => names.filter(({ begins }) => block.startsWith(begins)).length !== 1,
    );
    expect(unnamed).toEqual([]);
  });
});

it.each(named)('$document still has the block: $begins', (name) => {
  expect(blockOf(name)).toBeTruthy();
});

it('registers with the same words in both documents', () => {
  expect(blockOf(RUN.registerAgain)).toBe(blockOf(RUN.register));
});
