/** `/api/N/{http,stream}/keyvals`. */
import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import * as config from '../store/config.js';
import type { KeyChange } from '../store/keyval-changes.js';
import * as keyvalChanges from '../store/keyval-changes.js';
import * as keyvalState from '../store/keyval-state.js';
import type { Platform } from '../store/platform.js';
import * as apiErrors from './errors.js';
import * as keyvalBody from './keyval-body.js';
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

function list(platform: Platform, request: ApiRequest): ApiResponse {
  const names = config.keyvalNames(platform.config);
  if (request.args.fields === '') return { status: 200, body: names };
  const body: { [zone: string]: object } = {};
  for (let i = 0; i < names.length; i++) body[names[i] as string] = pairs(platform, names[i] as string);
  return { status: 200, body: body };
}

function read(platform: Platform, request: ApiRequest, zone: string): ApiResponse {
  const key = request.args.key;
  if (key === undefined) return { status: 200, body: pairs(platform, zone) };
  const entry = keyvalChanges.get(platform, zone, key);
  if (entry === undefined) throw errors.refusal('KeyvalKeyNotFound', `key "${key}" not found`);
  const body = dict.create<string>();
  body[key] = entry.value;
  return { status: 200, body: body };
}

/** The requested changes. Before version 5 a value is a string, without `expire`. */
function changesOf(request: ApiRequest): KeyChange[] {
  const changes = keyvalBody.parseKeyChanges(apiRequest.jsonBody(request));
  if (request.version < versions.EXPIRE && changes.some((change) => change.expire !== undefined))
    throw errors.refusal('KeyvalFormatError', 'invalid key format');
  return changes;
}

/** The response to a change. It waits until the change survives a restart. */
function changed(platform: Platform, zone: string, status: number): ApiResponse {
  const response: ApiResponse = { status: status };
  const isReady = keyvalState.whenSaved(platform, zone);
  if (isReady !== undefined) response.isReady = isReady;
  return response;
}

function serveZone(platform: Platform, request: ApiRequest, zone: string): ApiResponse {
  config.keyvalConfig(platform.config, zone);
  switch (request.method) {
    case 'POST':
      keyvalChanges.add(platform, zone, changesOf(request));
      return changed(platform, zone, 201);
    case 'PATCH':
      keyvalChanges.patch(platform, zone, changesOf(request));
      return changed(platform, zone, 204);
    case 'DELETE':
      keyvalChanges.clear(platform, zone);
      return changed(platform, zone, 204);
    case 'GET':
    case 'HEAD':
      return read(platform, request, zone);
    default:
      throw apiErrors.methodDisabled;
  }
}

/** `rest` are the path segments behind `keyvals`. */
export function serveKeyvals(platform: Platform, request: ApiRequest, rest: string[]): ApiResponse {
  if (rest.length > 1) throw apiErrors.pathNotFound;
  if (rest.length === 1) return serveZone(platform, request, rest[0] as string);
  apiRequest.allowMethods(request, []);
  return list(platform, request);
}
