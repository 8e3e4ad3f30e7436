/** What holds of every answer of the API. */
import { check, SHAPES } from '../contract/gateway/schema.js';
import { ACCEPTED, type Acceptance, rejected } from './target.js';

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

/** A refusal is the API's error object and says why. Of the statuses from 500 none is one but those `defined`. */
export function judgeAnswer({ status, text }: ApiAnswer, defined: readonly number[] = []): Acceptance {
  if (status >= 500 && !defined.includes(status))
    throw new Error(`the API answers ${status}: ${text.slice(0, 300)}`);
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  if (status >= 200 && status < 300) return ACCEPTED;
  const wrong = check(body, SHAPES.error);
  if (wrong.length > 0)
    throw new Error(`no error object of the API: ${status} ${text.slice(0, 300)} ${wrong.join()}`);
  const { error } = body as { error: { status: number; code: string } };
  if (error.status !== status) throw new Error(`the object says ${error.status} and the answer ${status}`);
  return rejected(`${status} ${error.code}`);
}
