import { printable } from '../core/printable.js';

/** The longest line that a command prints, in characters; much of it may be somebody else's text. */
const LINE = 1000;

/** Writes lines for people. Whatever of them came from etcd or NGINX makes no line of its own and moves no cursor. */
export function say(out: NodeJS.WritableStream, ...lines: readonly string[]): void {
  out.write(lines.map((line) => `${printable(line, LINE)}\n`).join(''));
}
