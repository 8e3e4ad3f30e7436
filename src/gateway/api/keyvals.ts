/** `/api/N/{http,stream}/keyvals`. */

import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import * as keyvalChanges from '../store/keyval-changes.js';
import type { Platform } from '../store/platform.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import * as versions from './versions.js';

function pairs(platform: Platform, zone: string): { [key: string]: string } {
  const entries = keyvalChanges.all(platform, zone);
  const keys = Object.keys(entries);
  const found = dict.create<string>();
  for (let i = 0; i < keys.length; i++) {
    const entry = entries[keys[i] as string];
    if (entry !== undefined) found[keys[i] as string] = entry.value;
  }
  return found;
}

function list(platform: Platform, call: ApiRequest): ApiResponse {
  const names = keyvalChanges.names(platform);
  if (call.args.fields === '') return { status: 200, body: names };
  const body: { [zone: string]: object } = {};
  for (let i = 0; i < names.length; i++) body[names[i] as string] = pairs(platform, names[i] as string);
  return { status: 200, body: body };
}

function read(platform: Platform, call: ApiRequest, zone: string): ApiResponse {
  const key = call.args.key;
  if (key === undefined) return { status: 200, body: pairs(platform, zone) };
  const entry = keyvalChanges.get(platform, zone, key);
  if (entry === undefined) throw errors.failure(404, 'KeyvalKeyNotFound', `key "${key}" not found`);
  const body = dict.create<string>();
  body[key] = entry.value;
  return { status: 200, body: body };
}

/** What the body asks for. Before version 5 a value is a text and nothing else. */
function changes(call: ApiRequest): keyvalChanges.Change[] {
  const found = keyvalChanges.parse(apiRequest.jsonBody(call));
  if (call.version < versions.EXPIRE && found.some((change) => change.expire !== undefined))
    throw errors.failure(400, 'KeyvalFormatError', 'invalid key format');
  return found;
}

/** An answer to a change, which waits until the change outlives NGINX. */
function changed(platform: Platform, zone: string, status: number): ApiResponse {
  const answer: ApiResponse = { status: status };
  const awaits = keyvalChanges.whenSaved(platform, zone);
  if (awaits !== undefined) answer.awaits = awaits;
  return answer;
}

function one(platform: Platform, call: ApiRequest, zone: string): ApiResponse {
  keyvalChanges.declared(platform, zone);
  switch (call.method) {
    case 'POST':
      keyvalChanges.add(platform, zone, changes(call));
      return changed(platform, zone, 201);
    case 'PATCH':
      keyvalChanges.patch(platform, zone, changes(call));
      return changed(platform, zone, 204);
    case 'DELETE':
      keyvalChanges.clear(platform, zone);
      return changed(platform, zone, 204);
    case 'GET':
    case 'HEAD':
      return read(platform, call, zone);
    default:
      throw errors.methodDisabled;
  }
}

/** `rest` are the segments behind `keyvals`. */
export function serveKeyvals(platform: Platform, call: ApiRequest, rest: string[]): ApiResponse {
  if (rest.length > 1) throw errors.pathNotFound;
  if (rest.length === 1) return one(platform, call, rest[0] as string);
  if (call.method !== 'GET' && call.method !== 'HEAD') throw errors.methodDisabled;
  return list(platform, call);
}
