import { printable } from '../core/printable.js';

/** The longest line that a command prints, in characters. */
const MAX_LINE = 1000;

/** Writes lines of text. Text from etcd or NGINX in them is escaped: it can neither begin a line nor move the cursor. */
export function printLines(out: NodeJS.WritableStream, ...lines: readonly string[]): void {
  out.write(lines.map((line) => `${printable(line, MAX_LINE)}\n`).join(''));
}
