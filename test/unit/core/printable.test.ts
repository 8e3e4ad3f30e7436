import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EtcdError, messageOf, NginxError } from '../../../src/core/errors.js';
import { oneLine, printable, printableJson } from '../../../src/core/printable.js';
import { quote } from '../../../src/core/result.js';
import { HARMFUL, hostileText } from '../../support/hostile.js';

describe('printable', () => {
  it('leaves ordinary text unchanged, in whatever script', () => {
    for (const text of ['', '/services/firmware/10.0.0.1:80', 'grüße, 世界 🚀', '"C:\\temp"']) {
      expect(printable(text)).toBe(text);
    }
  });

  it('escapes escape sequences, line breaks, C1 and bidi controls', () => {
    expect(printable('a\u001b[2J\nb\u009b31m\u202ec\t\u007f')).toBe(
      'a\\u001b[2J\\nb\\u009b31m\\u202ec\\t\\u007f',
    );
    expect(printable('\u2028\u2029\u200b\ufeff\ud800')).toBe('\\u2028\\u2029\\u200b\\ufeff\\ud800');
  });

  it('cuts a key of 100 kB and says how long it was', () => {
    const shown = printable(`/services/${'x'.repeat(100_000)}`);
    expect(shown).toMatch(/^\/services\/x+… \(100010 characters\)$/);
    expect(shown).toHaveLength(256);
  });

  it('returns nothing harmful, and a bounded length, for any text', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 32, max: 300 }), (text, limit) => {
        const shown = printable(text, limit);
        expect(shown).not.toMatch(HARMFUL);
        expect(shown).not.toContain('\n');
        expect(shown.length).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('leaves its own result unchanged', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(printable(printable(text))).toBe(printable(text));
        expect(oneLine(oneLine(text))).toBe(oneLine(text));
      }),
    );
  });
});

describe('the other functions for untrusted text', () => {
  it('puts a message of many lines on one', () => {
    expect(oneLine('first\n   second:\r\n\n\tthird  \n')).toBe('first second: third');
  });

  it('quotes text without anything harmful', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(quote(text)).not.toMatch(HARMFUL);
        expect(quote(text)).not.toContain('\n');
      }),
    );
  });

  it('keeps JSON free of anything harmful, and parseable to the same value', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (key, text) => {
        const json = printableJson([[key, text]]);
        expect(json).not.toMatch(HARMFUL);
        expect(json).not.toContain('\n');
        expect(JSON.parse(json)).toEqual([[key, text]]);
      }),
    );
  });

  it('bounds the text of errors of etcd, NGINX, a probe or a library', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const errors = [
          new EtcdError('REFUSED', text),
          new NginxError(text, text),
          new Error(messageOf(new Error(text))),
        ];
        for (const { message } of errors) {
          expect(message).not.toMatch(HARMFUL);
          expect(message).not.toContain('\n');
          expect(message.length).toBeLessThanOrEqual(512);
        }
        expect(new NginxError(text, '').code).not.toMatch(HARMFUL);
      }),
    );
  });
});
