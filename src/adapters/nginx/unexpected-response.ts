import { oneLine } from '../../core/printable.js';

/** What is shown of a page's title or text, in characters. */
const SHOWN = 80;

/** What an HTTP server says to somebody who does not speak TLS to it: NGINX, and what is written in Go. */
const WANTS_TLS = /plain HTTP request was sent to HTTPS port|sent an HTTP request to an HTTPS server/i;

/** An answer that is not one of the API. */
interface UnexpectedResponse {
  readonly status: number;
  readonly text: string;
  /** What was asked, such as `GET http://lb:8080/api/`. */
  readonly what: string;
}

/** Says what answered in the place of the API, and what to change. */
export function describeUnexpectedResponse({ status, text, what }: UnexpectedResponse): string {
  if (WANTS_TLS.test(text)) return `${what}: ${status}: what listens there speaks TLS: is the URL https://?`;
  if (status === 401 || status === 403) {
    return `${what}: ${status}: it does not let this watcher in: see username and passwordFile, tokenFile, or cert and key`;
  }
  const page = titleOf(text);
  const said = page === '' ? 'nothing' : `"${page}"`;
  return `${what}: ${status}: ${said} answers, and not the API: is the path that of the API's root, such as /api?`;
}

function titleOf(text: string): string {
  const start = text.slice(0, 4096);
  const title = /<title>([^<]*)<\/title>/i.exec(start)?.[1];
  return oneLine(title ?? start, SHOWN);
}
