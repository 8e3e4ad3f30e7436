/**
 * Error responses of the NGINX Plus API: an HTTP status, a code and a text.
 * Codes and statuses are those of the published API description, https://demo.nginx.com/swagger-ui/
 */
import type { ErrorCode } from '../model/errors.js';
import * as errors from '../model/errors.js';

/** A failed request. */
export interface ApiError {
  status: number;
  code: string;
  text: string;
}

/** HTTP statuses of the codes that the model and the store know. */
const STATUS: { [code in ErrorCode]: number } = {
  KeyvalFormatError: 400,
  KeyvalKeyExists: 409,
  KeyvalKeyNotFound: 404,
  KeyvalNotFound: 404,
  ServiceUnavailable: 503,
  UpstreamBadAddress: 400,
  UpstreamBadFailTimeout: 400,
  UpstreamBadMaxConns: 400,
  UpstreamBadMaxFails: 400,
  UpstreamBadRoute: 400,
  UpstreamBadSlowStart: 400,
  UpstreamBadWeight: 400,
  UpstreamConfFormatError: 400,
  UpstreamConfNoResolver: 400,
  UpstreamNotFound: 404,
  UpstreamOutOfMemory: 400,
  UpstreamServerImmutable: 400,
  UpstreamServerNotFound: 404,
};

/** Makes an API error, to be thrown or rendered. */
export function apiError(status: number, code: string, text: string): ApiError {
  return { status: status, code: code, text: text };
}

export const pathNotFound = apiError(404, 'PathNotFound', 'path not found');
export const methodDisabled = apiError(405, 'MethodDisabled', 'method disabled');

/** The API error for a caught value; `undefined` if it is a programming error. */
export function fromThrown(thrown: unknown): ApiError | undefined {
  if (!errors.isRefusal(thrown)) return undefined;
  const status = (thrown as Partial<ApiError>).status;
  return apiError(status === undefined ? STATUS[thrown.code] : status, thrown.code, thrown.text);
}

/** The path and method of the failed request, which error objects name in versions before 4. */
interface FailedRequest {
  path: string;
  method: string;
}

/** Maximum length of a text and of a path in an error object, in characters. Both may contain what the client sent. */
const MAX_LENGTH = 512;

/** The JSON body of an error response. `requestId` is 32 hexadecimal digits. */
export function renderError(error: ApiError, requestId: string, request?: FailedRequest): string {
  const text = error.text.length > MAX_LENGTH ? `${error.text.substring(0, MAX_LENGTH)}...` : error.text;
  const body: { [name: string]: unknown } = {
    error: { status: error.status, text: text, code: error.code },
  };
  if (request !== undefined) {
    body.path = request.path.substring(0, MAX_LENGTH);
    body.method = request.method;
  }
  body.request_id = requestId;
  body.href = 'https://nginx.org/en/docs/http/ngx_http_api_module.html';
  return JSON.stringify(body);
}
