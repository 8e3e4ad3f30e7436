/** Requests to the API and its responses, independent of how they are transported. */
import * as dict from '../model/dict.js';
import * as apiErrors from './errors.js';
import type { Pieces } from './json-pieces.js';

/** A request. */
export interface ApiRequest {
  method: string;
  /** The path without the query, decoded and normalized as NGINX does it. */
  path: string;
  /** The version in the path. Until the path is parsed, the newest. */
  version: number;
  /** The decoded query parameters. */
  args: { [name: string]: string };
  body: string;
  /** Whether changes are allowed. */
  write: boolean;
  /** 32 hexadecimal digits. */
  requestId: string;
}

/** A response. It has a `body`, or a long body in `pieces`, or neither. */
export interface ApiResponse {
  status: number;
  body?: unknown;
  pieces?: Pieces;
  /** Present if the response has to wait: tells when it may be sent. The change itself has been made. */
  isReady?: () => boolean;
}

/** The parsed JSON body. Throws the API's 415. */
export function jsonBody(request: ApiRequest): unknown {
  try {
    return JSON.parse(request.body);
  } catch {
    throw apiErrors.apiError(415, 'JsonError', 'json error');
  }
}

/** Throws `MethodDisabled` unless the method is GET, HEAD, or one of `others`. */
export function allowMethods(request: ApiRequest, others: string[]): void {
  if (request.method !== 'GET' && request.method !== 'HEAD' && others.indexOf(request.method) < 0)
    throw apiErrors.methodDisabled;
}

/** The fields of an object that the query parameter `fields` selects: without it all, with an empty one none. */
export function selectFields(request: ApiRequest, object: object): object {
  const fields = request.args.fields;
  if (fields === undefined) return object;
  const names = fields.split(',');
  const selected: { [name: string]: unknown } = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const value = dict.get(object as { [name: string]: unknown }, name);
    if (value !== undefined) selected[name] = value;
  }
  return selected;
}

/** Whether the query parameter `fields` selects a field. */
export function isSelected(request: ApiRequest, name: string): boolean {
  return request.args.fields === undefined || request.args.fields.split(',').indexOf(name) >= 0;
}
