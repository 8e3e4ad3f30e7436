import { printableJson } from '../core/printable.js';

/** Writes a value as indented JSON. Control characters in text from etcd or NGINX are escaped. */
export function printJson(out: NodeJS.WritableStream, value: unknown): void {
  out.write(`${printableJson(value, 2)}\n`);
}
