import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from '../../bench/options.js';

const PARTS = ['change', 'burst'];

describe('the options of the benchmark', () => {
  it('selects every part by default', () => {
    expect(readOptions([], PARTS)).toEqual({
      only: undefined,
      rounds: undefined,
      seconds: undefined,
      quick: false,
      json: 'bench.json',
      writeDocs: false,
      list: false,
    });
  });

  it('sets parts, rounds and seconds', () => {
    expect(readOptions(['--only=burst,change', '--rounds=2', '--seconds=5', '--quick'], PARTS)).toMatchObject(
      {
        only: ['burst', 'change'],
        rounds: 2,
        seconds: 5,
        quick: true,
      },
    );
  });

  it.each([
    ['--only=nothing', 'change, burst'],
    ['--rounds=0', '--rounds=0'],
    ['--rounds=two', '--rounds=two'],
    ['--seconds=-1', '--seconds=-1'],
    ['--unknown', '--unknown'],
  ])('refuses %s with the reason', (argument, reason) => {
    expect(() => readOptions([argument], PARTS)).toThrow(UsageError);
    expect(() => readOptions([argument], PARTS)).toThrow(reason);
  });

  it.each(['--quick', '--only=change'])('refuses to write documents with %s', (argument) => {
    expect(() => readOptions(['--write-docs', argument], PARTS)).toThrow('whole run');
  });
});
