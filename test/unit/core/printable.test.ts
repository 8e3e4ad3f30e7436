import { describe, expect, it } from 'vitest';
import { EtcdError, messageOf, NginxError } from '../../../src/core/errors.js';
import { escapeUnprintable, oneLine, printable, printableJson } from '../../../src/core/printable.js';
import { quote } from '../../../src/core/result.js';
import { HARMFUL, hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';

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

  it('shows text of the greatest length whole, and cuts what is longer or longer once it is escaped', () => {
    expect(printable('x'.repeat(256))).toBe('x'.repeat(256));
    expect(printable('x'.repeat(257))).toBe(`${'x'.repeat(238)}… (257 characters)`);
    expect(printable(`${'x'.repeat(31)}\u001b`, 32)).toBe(`${'x'.repeat(15)}… (32 characters)`);
  });

  it('cuts neither an escape nor a character in two', () => {
    for (let before = 0; before < 20; before++) {
      const begin = 'x'.repeat(before);
      const escapes = printable(`${begin}${'\u001b'.repeat(100 - before)}`, 32);
      expect(escapes).toMatch(/^x*(\\u001b)*… \(100 characters\)$/);
      const rockets = printable(`${begin}${'🚀'.repeat(60)}`, 32);
      expect(rockets).toMatch(/^x*(🚀)*… \(\d+ characters\)$/u);
      // Nothing is lost but what was cut in two.
      expect(escapes.length).toBeGreaterThan(32 - 6);
      expect(rockets.length).toBeGreaterThan(32 - 2);
    }
  });

  it('keeps a backslash and an emoji that come before the cut', () => {
    expect(printable(`\\u🚀${'x'.repeat(100)}`, 32)).toBe(`\\u🚀${'x'.repeat(10)}… (104 characters)`);
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
    expect(oneLine('  first \t \rsecond  with  spaces')).toBe('first second  with  spaces');
  });

  it('cuts a message, and does not look at what is far behind the cut', () => {
    expect(oneLine('x'.repeat(513))).toBe(`${'x'.repeat(494)}… (513 characters)`);
    expect(oneLine(`x${' '.repeat(127)}y`, 32)).toBe('x');
  });

  it('writes every line break and every half of a character as an escape', () => {
    expect(escapeUnprintable('\r\n\t\u{e0001}\u00ad')).toBe('\\r\\n\\t\\udb40\\udc01\\u00ad');
  });

  it('lays JSON out on several lines where that is asked for', () => {
    expect(printableJson({ a: ['\u202e'] }, 2)).toBe('{\n  "a": [\n    "\\u202e"\n  ]\n}');
  });

  it('writes what JSON has no word for as null', () => {
    expect(printableJson(undefined)).toBe('null');
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
