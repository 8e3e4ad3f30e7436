// What the set-up says: one line a step, with the time since the start, so that a reader knows what it waits for.

const started = performance.now();
// https://no-color.org
const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
const paint = (code, text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);

let brief = false;

/** From now on says only what is done, and not what was done already. */
export function speakBriefly() {
  brief = true;
}

function line(mark, step, message) {
  const elapsed = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  console.log(`  ${elapsed.padStart(8)}  ${mark} ${step.padEnd(17)} ${message}`);
}

/** Says that a step begins; it may take a while. */
export function doing(step, message) {
  line(paint(33, '…'), step, message);
}

/** Says what a step did. */
export function done(step, message) {
  line(paint(32, '✓'), step, message);
}

/** Says that a step had nothing to do. */
export function skipped(step, message) {
  if (!brief) line(paint(32, '✓'), step, message);
}

/** A headline. */
export function headline(message) {
  if (!brief) console.log(paint(1, message));
}

/** The error that ends the set-up: what failed, the end of what it printed, and what to do about it. */
export function failed(error) {
  const parts = [`${paint(31, 'set-up failed:')} ${error.message}`];
  if (error.output) parts.push(error.output.replace(/^/gm, '    | '));
  if (error.hint) parts.push(`  hint: ${error.hint}`);
  console.error(parts.join('\n'));
}
