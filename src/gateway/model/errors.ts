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

/** The JSON body of an error answer. `requestId` is 32 hexadecimal digits. */
export function render(error: ApiFailure, requestId: string): string {
  return JSON.stringify({
    error: { status: error.status, text: error.text, code: error.code },
    request_id: requestId,
    href: 'https://nginx.org/en/docs/http/ngx_http_api_module.html',
  });
}

export const pathNotFound = failure(404, 'PathNotFound', 'path not found');
export const methodDisabled = failure(405, 'MethodDisabled', 'method disabled');
/** Another worker has the lock: the call has changed nothing and may be repeated. */
export const locked = failure(503, 'ServiceUnavailable', 'another worker is changing the configuration');
