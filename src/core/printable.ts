/**
 * What would act on a terminal or mislead a reader instead of being shown: control characters (C0, DEL, C1), what is
 * invisible (bidi controls and zero widths among it), line and paragraph separators, halves of surrogate pairs.
 * Source: Unicode's general categories and its property Default_Ignorable_Code_Point.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The longest text shown where nothing else is said, in UTF-16 code units: a key of etcd with room to spare. */
const PRINTABLE_LENGTH = 256;

/**
 * Untrusted text as it may be shown in a terminal, a log, a metric's label or a page: on one line, with what is not
 * printable written as `\n` or `\u001b`, and at most `limit` UTF-16 code units (at least 32) long. What is longer is
 * cut, and its length said. Text that has been through it comes out unchanged, so that nobody has to know whether it has.
 * It is no escaping for HTML or a shell.
 */
export function printable(text: string, limit = PRINTABLE_LENGTH): string {
  // Nothing gets shorter by being escaped: what is behind the limit cannot be shown.
  const shown = escapeUnprintable(text.slice(0, limit));
  if (text.length <= limit && shown.length <= limit) return shown;
  const note = `… (${text.length} characters)`;
  return `${cut(shown, limit - note.length)}${note}`;
}

/** What is not printable written as an escape that JSON and JavaScript read back; the length is not limited. */
export function escapeUnprintable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => SHORT[char] ?? codeUnits(char));
}

/**
 * A message of a library or of another program on one line: its line breaks become spaces, the rest is as `printable`
 * has it. For text whose line breaks mean nothing; those of a key or a value are shown.
 */
export function oneLine(text: string, limit = 512): string {
  // What is far behind the limit is not looked at, however long it is.
  const start = text.slice(0, 4 * limit);
  return printable(start.replace(/[\t ]*[\r\n]\s*/g, ' ').trim(), limit);
}

/** A value as JSON whose text holds nothing unprintable and reads back as the same value. */
export function printableJson(value: unknown, space = 0): string {
  // The line breaks are those of the layout: JSON has its own escape for others.
  return (JSON.stringify(value, null, space) ?? 'null').replace(UNPRINTABLE, (char) =>
    char === '\n' ? char : codeUnits(char),
  );
}

function codeUnits(char: string): string {
  return [...Array(char.length).keys()]
    .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Not in the middle of a character, nor of an escape. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$|\\(?:u[0-9a-f]{0,3})?$/, '');
}
