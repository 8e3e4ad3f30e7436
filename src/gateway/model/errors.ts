/**
 * The error answers of the NGINX Plus API: a status, a machine-readable code and a text.
 * Codes and statuses are those of the published API description.
 */

/** A failed request, as thrown inside the gateway and rendered by the API. */
export interface ApiFailure {
  status: number;
  code: string;
  text: string;
}

/** Makes a failure. It is a plain object, so it crosses module and engine borders unchanged. */
export function failure(status: number, code: string, text: string): ApiFailure {
  return { status: status, code: code, text: text };
}

/** Whether something caught is one of ours rather than a defect. */
export function isFailure(thrown: unknown): thrown is ApiFailure {
  const candidate = thrown as Partial<ApiFailure> | null | undefined;
  return candidate?.status !== undefined && candidate.code !== undefined;
}

/** The request that failed, which error objects name in versions before 4. */
export interface Failed {
  path: string;
  method: string;
}

/** Longest text of an error and longest path in it, in characters: both may hold what a client has sent. */
const LONGEST = 512;

/** The JSON body of an error answer. `requestId` is 32 hexadecimal digits. */
export function render(error: ApiFailure, requestId: string, failed?: Failed): string {
  const text = error.text.length > LONGEST ? `${error.text.substring(0, LONGEST)}...` : error.text;
  const shown: { [name: string]: unknown } = {
    error: { status: error.status, text: text, code: error.code },
  };
  if (failed !== undefined) {
    shown.path = failed.path.substring(0, LONGEST);
    shown.method = failed.method;
  }
  shown.request_id = requestId;
  shown.href = 'https://nginx.org/en/docs/http/ngx_http_api_module.html';
  return JSON.stringify(shown);
}

export const pathNotFound = failure(404, 'PathNotFound', 'path not found');
export const methodDisabled = failure(405, 'MethodDisabled', 'method disabled');
/** Another worker has the lock: the call has changed nothing and may be repeated. */
export const locked = failure(503, 'ServiceUnavailable', 'another worker is changing the configuration');
