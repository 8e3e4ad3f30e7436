import { describe, expect, it } from 'vitest';
import { openLedger } from '../../../support/report/ledger.js';

describe('the ledger of the demonstration', () => {
  it('is good when every number is as expected', () => {
    const ledger = openLedger();
    ledger.exactly('failed', 0, 0);
    ledger.atLeast('requests', 10_000, 10_000);
    ledger.atMost('set again', 2, 2, 's');
    ledger.note('cut on purpose', 75);
    expect(ledger.isGood()).toBe(true);
  });

  it.each([
    ['one failure', (ledger: ReturnType<typeof openLedger>) => ledger.exactly('failed', 1, 0)],
    ['one message too many', (ledger) => ledger.exactly('received', 11, 10)],
    ['a request too few', (ledger) => ledger.atLeast('requests', 9_999, 10_000)],
    ['a moment too late', (ledger) => ledger.atMost('set again', 2.001, 2, 's')],
    ['no number at all', (ledger) => ledger.atLeast('requests', Number.NaN, 0)],
  ])('is not good for %s, whatever else is', (_, enter) => {
    const ledger = openLedger();
    enter(ledger);
    ledger.exactly('failed', 0, 0);
    expect(ledger.isGood()).toBe(false);
  });
});
