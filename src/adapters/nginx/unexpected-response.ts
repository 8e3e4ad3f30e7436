import { oneLine } from '../../core/printable.js';

/** What is shown of a page's title or text, in characters. */
const SHOWN = 80;

/** The answer of an HTTPS server to a request without TLS: NGINX's, and that of servers written in Go. */
const WANTS_TLS = /plain HTTP request was sent to HTTPS port|sent an HTTP request to an HTTPS server/i;

/** A response that does not come from the API. */
interface UnexpectedResponse {
  readonly status: number;
  readonly text: string;
  /** The request, such as `GET http://lb:8080/api/`. */
  readonly what: string;
}

/** Says what answered instead of the API, and what to change. */
export function describeUnexpectedResponse({ status, text, what }: UnexpectedResponse): string {
  if (WANTS_TLS.test(text))
    return `${what}: ${status}: the server expects TLS: should the URL begin with https://?`;
  if (status === 401 || status === 403) {
    return `${what}: ${status}: the API refuses this watcher's credential: see username and passwordFile, tokenFile, or cert and key`;
  }
  const page = titleOf(text);
  const said = page === '' ? 'nothing' : `"${page}"`;
  return `${what}: ${status}: the response is ${said}, not the API's: is the path the API's root, such as /api?`;
}

function titleOf(text: string): string {
  const start = text.slice(0, 4096);
  const title = /<title>([^<]*)<\/title>/i.exec(start)?.[1];
  return oneLine(title ?? start, SHOWN);
}
