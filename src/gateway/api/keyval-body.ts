/** The body of a request that changes a keyval zone. */
import * as errors from '../model/errors.js';
import type { KeyChange } from '../store/keyval-changes.js';
import * as apiErrors from './errors.js';

function formatError(text: string): never {
  throw errors.refusal('KeyvalFormatError', text);
}

/** A value as text. As in NGINX Plus, numbers and booleans become strings. */
function scalar(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  return formatError('invalid value');
}

function expireOf(value: unknown): number {
  const text = typeof value === 'number' || typeof value === 'string' ? `${value}` : '';
  if (!/^\d{1,15}$/.test(text)) return formatError('invalid "expire" value');
  return Number(text);
}

function parseOne(key: string, value: unknown): KeyChange {
  if (value === null) return { key: key };
  if (typeof value !== 'object') return { key: key, value: scalar(value) };
  const names = Object.keys(value as object);
  const parsed: KeyChange = { key: key };
  for (let i = 0; i < names.length; i++) {
    const inner = (value as { [name: string]: unknown })[names[i] as string];
    if (names[i] === 'value') parsed.value = scalar(inner);
    else if (names[i] === 'expire') parsed.expire = expireOf(inner);
    else return formatError('invalid key format');
  }
  return names.length === 0 ? formatError('invalid key format') : parsed;
}

/** Maximum number of keys in a request: all workers wait while it is processed. */
const MAX_KEYS = 1000;
/** Maximum length of a key, in characters. */
const MAX_KEY_LENGTH = 1024;

/** Parses the body of a POST or PATCH. Throws a {@link errors.Refusal} or an API error. */
export function parseKeyChanges(body: unknown): KeyChange[] {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return formatError('invalid JSON');
  const keys = Object.keys(body);
  if (keys.length === 0) return formatError('key required');
  if (keys.length > MAX_KEYS)
    throw apiErrors.apiError(413, 'RequestEntityTooLarge', `at most ${MAX_KEYS} keys in one request`);
  return keys.map((key) =>
    key === '' || key.length > MAX_KEY_LENGTH
      ? formatError(key === '' ? 'key required' : 'too long key')
      : parseOne(key, (body as { [key: string]: unknown })[key]),
  );
}
