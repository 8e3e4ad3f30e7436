/**
 * Why a change is refused, by the error codes of the NGINX Plus API. The HTTP status that belongs to a code is known to
 * `api/errors.ts` alone.
 */

/** Codes of refusals that come from the model or the store. */
export type ErrorCode =
  | 'KeyvalFormatError'
  | 'KeyvalKeyExists'
  | 'KeyvalKeyNotFound'
  | 'KeyvalNotFound'
  | 'ServiceUnavailable'
  | 'UpstreamBadAddress'
  | 'UpstreamBadFailTimeout'
  | 'UpstreamBadMaxConns'
  | 'UpstreamBadMaxFails'
  | 'UpstreamBadRoute'
  | 'UpstreamBadSlowStart'
  | 'UpstreamBadWeight'
  | 'UpstreamConfFormatError'
  | 'UpstreamConfNoResolver'
  | 'UpstreamNotFound'
  | 'UpstreamOutOfMemory'
  | 'UpstreamServerImmutable'
  | 'UpstreamServerNotFound';

/** A refused change. It is a plain object, because njs has no classes. */
interface Refusal {
  code: ErrorCode;
  text: string;
}

/** Makes a refusal, to be thrown. */
export function refusal(code: ErrorCode, text: string): Refusal {
  return { code: code, text: text };
}

/** Whether a caught value is a refusal (or an API error), and not a programming error. */
export function isRefusal(thrown: unknown): thrown is Refusal {
  const candidate = thrown as Partial<Refusal> | null | undefined;
  return candidate?.code !== undefined && candidate.text !== undefined;
}

/** Another worker holds the lock. Nothing has changed, and the call may be repeated. */
export const locked = refusal('ServiceUnavailable', 'another worker is changing the configuration');
