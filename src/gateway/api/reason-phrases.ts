/** Reason phrases of HTTP, from RFC 9110. */

const PHRASES: { [status: string]: string } = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Request Entity Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The phrase for a status; `Unknown` for a status that the gateway never uses. */
export function reasonPhrase(status: number): string {
  const found = PHRASES[`${status}`];
  return found === undefined ? 'Unknown' : found;
}
