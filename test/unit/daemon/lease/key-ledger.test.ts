import { describe, expect, it } from 'vitest';
import { KeyLedger, type KeyStatus, type LedgerEntry } from '../../../../src/daemon/lease/key-ledger.js';

const KEY = '/services/firmware/10.0.0.1:80';

function entryOf(ledger: KeyLedger, key = KEY): LedgerEntry {
  const entry = ledger.entry(key);
  if (!entry) throw new Error(`${key} is not wanted`);
  return entry;
}

/** A ledger with one wanted key of this status. */
function ledgerWith(status: KeyStatus): KeyLedger {
  const ledger = new KeyLedger();
  ledger.want(KEY, 'value');
  if (status !== 'pending') ledger.recordStatus(KEY, entryOf(ledger), status);
  return ledger;
}

describe('KeyLedger.want', () => {
  it('makes a new key pending and dirty', () => {
    const ledger = new KeyLedger();
    expect(ledger.want(KEY, 'value')).toBe(true);
    expect(ledger.entry(KEY)).toEqual({ value: 'value', status: 'pending' });
    expect([...ledger.dirty]).toEqual([KEY]);
    expect(ledger.settled).toBe(false);
  });

  it('changes nothing for the value that is wanted already', () => {
    const ledger = ledgerWith('held');
    expect(ledger.want(KEY, 'value')).toBe(false);
    expect(ledger.entry(KEY)?.status).toBe('held');
    expect(ledger.dirty.size).toBe(0);
  });

  it.each([
    ['held', 'pending'],
    ['refused', 'pending'],
    ['superseded', 'superseded'],
  ] as const)('makes a key that is %s %s with another value', (before, after) => {
    const ledger = ledgerWith(before);
    ledger.want(KEY, 'other');
    expect(ledger.entry(KEY)).toEqual({ value: 'other', status: after });
    expect(ledger.dirty.has(KEY)).toBe(true);
  });

  it('cancels the removal of a key', () => {
    const ledger = ledgerWith('held');
    ledger.unwant(KEY);
    ledger.want(KEY, 'value');
    ledger.recordStatus(KEY, entryOf(ledger), 'held');
    expect(ledger.settled).toBe(true);
    ledger.recordGone(KEY);
    expect(ledger.entry(KEY)?.status).toBe('held');
  });

  it('leaves a key dirty that is wanted again before it is known to be gone', () => {
    const ledger = ledgerWith('held');
    ledger.unwant(KEY);
    ledger.want(KEY, 'value');
    ledger.recordGone(KEY);
    expect([...ledger.dirty]).toEqual([KEY]);
  });
});

describe('KeyLedger.unwant', () => {
  it('leaves the key dirty, and the ledger unsettled, until the key is known to be gone', () => {
    const ledger = ledgerWith('held');
    expect(ledger.unwant(KEY)).toBe(true);
    expect(ledger.entry(KEY)).toBeUndefined();
    expect([...ledger.dirty]).toEqual([KEY]);
    expect(ledger.settled).toBe(false);
    ledger.recordGone(KEY);
    expect(ledger.dirty.size).toBe(0);
    expect(ledger.settled).toBe(true);
  });

  it('changes nothing for a key that is not wanted', () => {
    const ledger = new KeyLedger();
    expect(ledger.unwant(KEY)).toBe(false);
    expect(ledger.dirty.size).toBe(0);
  });

  it('keeps the revision of the last write', () => {
    const ledger = ledgerWith('held');
    ledger.recordWrite(KEY, 7);
    ledger.unwant(KEY);
    expect(ledger.lastWrite(KEY)).toBe(7);
  });
});

describe('KeyLedger.recordStatus', () => {
  it('makes the key clean and says whether its status changed', () => {
    const ledger = ledgerWith('pending');
    expect(ledger.recordStatus(KEY, entryOf(ledger), 'held')).toBe(true);
    expect(ledger.dirty.size).toBe(0);
    ledger.markAllDirty();
    expect(ledger.recordStatus(KEY, entryOf(ledger), 'held')).toBe(false);
    expect(ledger.dirty.size).toBe(0);
  });

  it('keeps the reason of a refusal, and forgets it with the next status', () => {
    const ledger = ledgerWith('pending');
    ledger.recordStatus(KEY, entryOf(ledger), 'refused', 'no space');
    expect([ledger.entry(KEY)?.refusal, ledger.anyRefusal]).toEqual(['no space', 'no space']);
    ledger.recordStatus(KEY, entryOf(ledger), 'held');
    expect([ledger.entry(KEY)?.refusal, ledger.anyRefusal]).toEqual([undefined, undefined]);
  });

  it('ignores the outcome of an earlier value: the key stays dirty', () => {
    const ledger = ledgerWith('pending');
    const before = entryOf(ledger);
    ledger.want(KEY, 'other');
    expect(ledger.recordStatus(KEY, before, 'held')).toBe(false);
    expect(ledger.entry(KEY)).toEqual({ value: 'other', status: 'pending' });
    expect(ledger.dirty.has(KEY)).toBe(true);
  });
});

describe('KeyLedger.onLeaseReplaced', () => {
  it('makes held keys pending and every key dirty, removed ones too', () => {
    const ledger = ledgerWith('held');
    ledger.want('/theirs', '');
    ledger.recordStatus('/theirs', entryOf(ledger, '/theirs'), 'superseded');
    ledger.want('/removed', '');
    ledger.unwant('/removed');
    ledger.recordGone('/removed');

    ledger.onLeaseReplaced();
    expect(ledger.entry(KEY)?.status).toBe('pending');
    expect(ledger.entry('/theirs')?.status).toBe('superseded');
    expect([...ledger.dirty].sort()).toEqual(['/removed', KEY, '/theirs'].sort());
  });
});

describe('KeyLedger.settled and KeyLedger.allHeld', () => {
  it.each([
    ['pending', false, false],
    ['held', true, true],
    ['superseded', true, false],
    ['refused', true, false],
  ] as const)('is for a key that is %s: %s and %s', (status, settled, allHeld) => {
    const ledger = ledgerWith(status);
    expect([ledger.settled, ledger.allHeld]).toEqual([settled, allHeld]);
  });
});

describe('KeyLedger with several keys', () => {
  it('is as its worst key: refused where one is, and held only where all are', () => {
    const ledger = ledgerWith('held');
    ledger.want('/other', 'value');
    expect(ledger.allHeld).toBe(false);
    ledger.recordStatus('/other', entryOf(ledger, '/other'), 'refused', 'no space');
    expect(ledger.anyRefusal).toBe('no space');
  });
});

describe('the bounds of KeyLedger', () => {
  it('keeps the last 100 tombstones, and every one that is not known to be gone', () => {
    const ledger = new KeyLedger();
    for (let i = 0; i < 150; i++) {
      ledger.want(`/${i}`, '');
      ledger.unwant(`/${i}`);
      if (i > 0) ledger.recordGone(`/${i}`);
    }
    ledger.markAllDirty();
    expect(ledger.dirty.size).toBe(100);
    expect(ledger.dirty.has('/0')).toBe(true);
    expect(ledger.dirty.has('/51')).toBe(true);
    expect(ledger.dirty.has('/1')).toBe(false);
  });

  it('remembers the last 10,000 writes', () => {
    const ledger = new KeyLedger();
    for (let i = 0; i < 10_001; i++) ledger.recordWrite(`/${i}`, i + 1);
    expect(ledger.lastWrite('/0')).toBeUndefined();
    expect(ledger.lastWrite('/1')).toBe(2);
    ledger.recordWrite('/1', 20_000);
    ledger.recordWrite('/new', 20_001);
    expect([ledger.lastWrite('/1'), ledger.lastWrite('/2')]).toEqual([20_000, undefined]);
  });
});
