/** `/api/N/{http,stream}/keyvals`. */
import * as errors from '../model/errors.js';
import * as own from '../model/own.js';
import * as keyvals from '../store/keyvals.js';
import type { Platform } from '../store/platform.js';
import type { Answer, Call } from './call.js';
import * as calls from './call.js';
import * as versions from './versions.js';

function pairs(platform: Platform, zone: string): { [key: string]: string } {
  const entries = keyvals.all(platform, zone);
  const keys = Object.keys(entries);
  const found = own.empty<string>();
  for (let i = 0; i < keys.length; i++) {
    const entry = entries[keys[i] as string];
    if (entry !== undefined) found[keys[i] as string] = entry.value;
  }
  return found;
}

function list(platform: Platform, call: Call): Answer {
  const names = keyvals.names(platform);
  if (call.args.fields === '') return { status: 200, body: names };
  const body: { [zone: string]: object } = {};
  for (let i = 0; i < names.length; i++) body[names[i] as string] = pairs(platform, names[i] as string);
  return { status: 200, body: body };
}

function read(platform: Platform, call: Call, zone: string): Answer {
  const key = call.args.key;
  if (key === undefined) return { status: 200, body: pairs(platform, zone) };
  const entry = keyvals.get(platform, zone, key);
  if (entry === undefined) throw errors.failure(404, 'KeyvalKeyNotFound', `key "${key}" not found`);
  const body = own.empty<string>();
  body[key] = entry.value;
  return { status: 200, body: body };
}

/** What the body asks for. Before version 5 a value is a text and nothing else. */
function changes(call: Call): keyvals.Change[] {
  const found = keyvals.parse(calls.json(call));
  if (call.version < versions.EXPIRE && found.some((change) => change.expire !== undefined))
    throw errors.failure(400, 'KeyvalFormatError', 'invalid key format');
  return found;
}

/** An answer to a change, which waits until the change outlives NGINX. */
function changed(platform: Platform, zone: string, status: number): Answer {
  const answer: Answer = { status: status };
  const awaits = keyvals.awaited(platform, zone);
  if (awaits !== undefined) answer.awaits = awaits;
  return answer;
}

function one(platform: Platform, call: Call, zone: string): Answer {
  keyvals.declared(platform, zone);
  switch (call.method) {
    case 'POST':
      keyvals.add(platform, zone, changes(call));
      return changed(platform, zone, 201);
    case 'PATCH':
      keyvals.patch(platform, zone, changes(call));
      return changed(platform, zone, 204);
    case 'DELETE':
      keyvals.clear(platform, zone);
      return changed(platform, zone, 204);
    case 'GET':
    case 'HEAD':
      return read(platform, call, zone);
    default:
      throw errors.methodDisabled;
  }
}

/** `rest` are the segments behind `keyvals`. */
export function handle(platform: Platform, call: Call, rest: string[]): Answer {
  if (rest.length > 1) throw errors.pathNotFound;
  if (rest.length === 1) return one(platform, call, rest[0] as string);
  if (call.method !== 'GET' && call.method !== 'HEAD') throw errors.methodDisabled;
  return list(platform, call);
}
