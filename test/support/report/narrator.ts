/** The output of a run: numbered steps, and under each step what happens, with the time since the start. */

const started = performance.now();
const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;

function paint(code: number, text: string): string {
  return coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
}

export const bold = (text: string): string => paint(1, text);
export const green = (text: string): string => paint(32, text);
export const red = (text: string): string => paint(31, text);

/** Seconds since the run began. */
export function elapsed(): number {
  return (performance.now() - started) / 1000;
}

/** A number as people read it. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `count` and a noun, which takes an s unless there is one of it. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Prints a line as it is. */
export function print(text = ''): void {
  console.log(text);
}

/** Says what happens. */
export function say(message: string): void {
  print(`  ${`${elapsed().toFixed(1)} s`.padStart(8)}  ${message}`);
}

/** Prints the headline of a step. */
export function announce(number: number, title: string): void {
  print(`\n${bold(`${number}. ${title}`)}`);
}

/** Prints rows as a table with a headline; columns of numbers are the caller's to align. */
export function table(head: string[], rows: string[][]): void {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: string[]): string =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  print(bold(line(head)));
  print(`  ${widths.map((width) => '─'.repeat(width)).join('  ')}`);
  for (const row of rows) print(line(row));
}
