/**
 * HTTP as the API needs it inside the stream block, where NGINX has none: requests come from the http block's
 * proxy and end with their body, answers end with the connection.
 */

import * as dict from '../model/dict.js';
import * as reasonPhrases from './reason-phrases.js';

/** A request as it was read so far; `undefined` stands for one that has not arrived in full. */
export interface WireRequest {
  method: string;
  target: string;
  /** Header fields by lower-case name. */
  headers: { [name: string]: string };
  body: string;
}

/** Where the body begins, or -1. Heads are ASCII, so a search byte by byte is exact. */
function bodyStart(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1;
  }
  return -1;
}

/** Reads a request from the bytes that have arrived. `text` decodes a range of them as UTF-8. */
export function parseRequest(
  bytes: Uint8Array,
  text: (from: number, to: number) => string,
): WireRequest | undefined {
  const start = bodyStart(bytes);
  if (start < 0) return undefined;
  const lines = text(0, start).split('\r\n');
  const words = (lines[0] as string).split(' ');
  const headers = dict.create<string>();
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.substring(0, colon).toLowerCase()] = line.substring(colon + 1).trim();
  }
  const length = headers['content-length'];
  const end = start + (length === undefined ? 0 : Number(length));
  if (bytes.length < end) return undefined;
  return { method: words[0] as string, target: words[1] as string, headers: headers, body: text(start, end) };
}

/**
 * An answer. `length` is that of the body in bytes: NGINX resets the connection as it closes it, because it has
 * looked at the request without taking it in, so the reader must know where the body ends.
 */
export function formatResponse(status: number, body: string, length: number): string {
  const head = `HTTP/1.0 ${status} ${reasonPhrases.reasonPhrase(status)}\r\nContent-Type: application/json\r\n`;
  return `${head}Cache-Control: no-cache\r\nContent-Length: ${length}\r\n\r\n${body}`;
}
