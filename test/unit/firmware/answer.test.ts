import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { type Answer, answer, type OtaRequest } from '../../../src/firmware/shared/answer.js';
import type { Store } from '../../../src/firmware/shared/offering.js';
import { ANSWER_CASES, type AnswerCase, EMPTY, FILLED } from '../../support/firmware-answers/index.js';
import { hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';

function storeOf(values: ReadonlyMap<string, string>): Store {
  return {
    get: (key) => values.get(key),
    digest: (text) => createHash('sha256').update(text).digest(),
    memory: undefined,
  };
}

function requestOf(one: Omit<AnswerCase, 'name' | 'status'>): OtaRequest {
  const headers = new Map(
    Object.entries(one.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    method: one.method ?? 'GET',
    path: one.path,
    query: one.query ?? '',
    header: (name) => headers.get(name.toLowerCase()),
    https: one.https ?? true,
    certificate: one.certificate ?? '',
    // As `$arg_region` has it, where no configuration says otherwise.
    region: /(?:^|&)region=([^&]*)/.exec(one.query ?? '')?.[1] ?? '',
  };
}

function answered(one: AnswerCase): Answer {
  return answer(requestOf(one), storeOf(one.store ?? FILLED));
}

/** What every answer keeps to, whatever the request was. */
function checkPromises(given: Answer): void {
  expect([200, 304, 400, 403, 404, 405]).toContain(given.status);
  expect(given.headers['Cache-Control']).toBe('no-store');
  expect(JSON.stringify(given.headers).length).toBeLessThan(512);
  if (given.file !== '') {
    expect(given).toMatchObject({ status: 200, body: '' });
    expect(given.file).toMatch(/^\/blobs\/[0-9a-f]{64}\.bin$/);
  } else if (given.headers['Content-Type'] === 'application/json') {
    expect(given.status).toBe(200);
    if (given.body !== '[]')
      expect(JSON.parse(given.body)).toMatchObject({ version: expect.any(String) as unknown });
  } else if (given.status >= 400) {
    expect(given.body).toMatch(/^$|^error: [^\n]+\n$/);
  }
}

describe('the answer to a device', () => {
  it.each(ANSWER_CASES)('$name: $status', (one) => {
    const given = answered(one);
    checkPromises(given);
    expect(given.status).toBe(one.status);
    expect(given.file).toBe(one.file ?? '');
    expect(given.headers['x-MD5']).toBe(one.md5);
    if (one.body !== undefined) expect(given.body).toBe(one.body);
  });

  it('never throws, and never is a manifest by mistake, whatever is asked', () => {
    const text = fc.oneof(
      hostileText,
      fc.constantFrom('toaster', 'paused', 'lamp', 'eu', '1.3.0', '24:6f:28:aa:bb:cc', ''),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(
          '/ota',
          '/ota/image',
          '/ota/toaster/version',
          '/ota/toaster/manifest.json',
          '/ota/toaster/1.3.0.md5',
        ),
        fc.array(fc.tuple(fc.constantFrom('type', 'id', 'version', 'region', 'x'), text, fc.boolean()), {
          maxLength: 4,
        }),
        fc.dictionary(
          fc.constantFrom('User-Agent', 'x-ESP32-STA-MAC', 'x-ESP32-version', 'x-ESP32-free-space'),
          text,
        ),
        text,
        fc.constantFrom(FILLED, EMPTY),
        (path, args, headers, certificate, store) => {
          const query = args
            .map(
              ([name, value, encode]) =>
                `${name}=${encode ? encodeURIComponent(Buffer.from(value).toString()) : value}`,
            )
            .join('&');
          checkPromises(answer(requestOf({ path, query, headers }), storeOf(store)));
          checkPromises(answer(requestOf({ path, query, certificate }), storeOf(store)));
          checkPromises(answer(requestOf({ path: `/ota/${certificate}`, query }), storeOf(store)));
        },
      ),
    );
  });

  it('does not depend on the time, nor on chance', () => {
    const before = ANSWER_CASES.map(answered);
    const forbidden = () => {
      throw new Error('an answer depends on it');
    };
    const spies = [
      vi.spyOn(globalThis, 'Date').mockImplementation(forbidden as never),
      vi.spyOn(Date, 'now').mockImplementation(forbidden),
      vi.spyOn(performance, 'now').mockImplementation(forbidden),
      vi.spyOn(Math, 'random').mockImplementation(forbidden),
    ];
    const after = ANSWER_CASES.map(answered);
    for (const spy of spies) spy.mockRestore();
    expect(after).toEqual(before);
  });
});
