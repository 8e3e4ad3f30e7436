/**
 * Characters that act on a terminal or mislead a reader: control characters (C0, DEL, C1), invisible characters (bidi
 * controls, zero widths), line and paragraph separators, halves of surrogate pairs.
 * Source: Unicode's general categories and its property Default_Ignorable_Code_Point.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The default limit of `printable`, in UTF-16 code units: longer than any key of a registration. */
const PRINTABLE_LENGTH = 256;

/**
 * Makes untrusted text fit to be shown in a terminal, a log, a metric's label or a page: on one line, with unprintable
 * characters written as `\n` or `\u001b`, and at most `limit` UTF-16 code units (at least 32) long. Longer text is cut, and
 * its length is added. A second call changes nothing, so callers need not know whether a text is escaped already.
 * It does not escape for HTML or a shell.
 */
export function printable(text: string, limit = PRINTABLE_LENGTH): string {
  // Escaping never shortens a text, so nothing behind the limit can be shown.
  const shown = escapeUnprintable(text.slice(0, limit));
  if (text.length <= limit && shown.length <= limit) return shown;
  const note = `… (${text.length} characters)`;
  return `${cut(shown, limit - note.length)}${note}`;
}

const PLAIN = /^[ -~]*$/;

/** Whether the text is of printable ASCII characters alone: nearly every text is, and it is quick to tell. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** Writes unprintable characters as escapes that JSON and JavaScript read back. The length is not limited. */
export function escapeUnprintable(text: string): string {
  if (isPlain(text)) return text;
  return text.replace(UNPRINTABLE, (char) => SHORT[char] ?? codeUnits(char));
}

/**
 * Puts a message of a library or of another program on one line: line breaks become spaces, and `printable` does the rest.
 * For text whose line breaks mean nothing; in a key or a value they mean something, and `printable` shows them.
 */
export function oneLine(text: string, limit = 512): string {
  // A long text is not searched to its end.
  const start = text.slice(0, 4 * limit);
  return printable(start.replace(/[\t ]*[\r\n]\s*/g, ' ').trim(), limit);
}

/** Writes a value as JSON without unprintable characters. The JSON reads back as the same value. */
export function printableJson(value: unknown, space = 0): string {
  // A line break here belongs to the layout: inside a string JSON escapes it.
  return (JSON.stringify(value, null, space) ?? 'null').replace(UNPRINTABLE, (char) =>
    char === '\n' ? char : codeUnits(char),
  );
}

function codeUnits(char: string): string {
  return [...Array(char.length).keys()]
    .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Cuts a text, but not in the middle of a character or of an escape. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$|\\(?:u[0-9a-f]{0,3})?$/, '');
}
