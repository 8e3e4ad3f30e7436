/**
 * The part of HTTP that the API needs inside the stream block, where NGINX has no HTTP. Requests come from the proxy of the
 * http block. A response ends with the connection.
 */

import * as dict from '../model/dict.js';
import * as reasonPhrases from './reason-phrases.js';

/** A complete request. */
export interface WireRequest {
  method: string;
  target: string;
  /** Header fields by lower-case name. */
  headers: { [name: string]: string };
  body: string;
}

/** The index of the body; -1 if the header is incomplete. The header is ASCII, so bytes are characters. */
function bodyStart(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1;
  }
  return -1;
}

/** Parses the received bytes; `undefined` if the request is incomplete. `text` decodes a range of bytes as UTF-8. */
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
 * Formats a response. `length` is that of the body in bytes. The reader needs it, because NGINX resets the connection when it
 * closes it: it has peeked at the request without consuming it.
 */
export function formatResponse(status: number, body: string, length: number): string {
  const head = `HTTP/1.0 ${status} ${reasonPhrases.reasonPhrase(status)}\r\nContent-Type: application/json\r\n`;
  return `${head}Cache-Control: no-cache\r\nContent-Length: ${length}\r\n\r\n${body}`;
}
