/** Requests and answers of the API, free of the way they came in. */

import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import type { Pieces } from './json-pieces.js';

/** A request. */
export interface ApiRequest {
  method: string;
  /** Path without query: decoded, and normalised as NGINX does it. */
  path: string;
  /** The version that the path names; the newest until that is known. */
  version: number;
  /** Decoded query parameters. */
  args: { [name: string]: string };
  body: string;
  /** Whether changes are allowed. */
  write: boolean;
  /** 32 hexadecimal digits. */
  requestId: string;
}

/** An answer; without a body it has none. A long one comes in pieces instead. */
export interface ApiResponse {
  status: number;
  body?: unknown;
  pieces?: Pieces;
  /** Tells when it may be given; there only where that is not at once. What it says holds in any case. */
  awaits?: () => boolean;
}

/** The body as JSON. Throws the API's 415. */
export function jsonBody(call: ApiRequest): unknown {
  try {
    return JSON.parse(call.body);
  } catch {
    throw errors.failure(415, 'JsonError', 'json error');
  }
}

/** Throws unless the method is one of those that read, or of `others`. */
export function allowMethods(call: ApiRequest, others: string[]): void {
  if (call.method !== 'GET' && call.method !== 'HEAD' && others.indexOf(call.method) < 0)
    throw errors.methodDisabled;
}

/** Only the asked-for fields of an object: all without `fields`, none when it is empty. */
export function selectFields(call: ApiRequest, object: object): object {
  const asked = call.args.fields;
  if (asked === undefined) return object;
  const names = asked.split(',');
  const limited: { [name: string]: unknown } = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const value = dict.get(object as { [name: string]: unknown }, name);
    if (value !== undefined) limited[name] = value;
  }
  return limited;
}

/** Whether a field is asked for. */
export function isSelected(call: ApiRequest, name: string): boolean {
  return call.args.fields === undefined || call.args.fields.split(',').indexOf(name) >= 0;
}
