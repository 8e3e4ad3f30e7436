import { expect, it } from 'vitest';
import * as wire from '../../../../src/gateway/api/http-wire.js';

const REQUEST = Buffer.from(
  'PATCH /api/9/stream/keyvals/z?a=b HTTP/1.0\r\nX-Api-Write: on\r\nContent-Length: 10\r\n\r\n{"k":"ä"}',
);

function parse(bytes: Buffer): ReturnType<typeof wire.parseRequest> {
  return wire.parseRequest(bytes, (from, to) => bytes.toString('utf8', from, to));
}

it('the parser waits for the last byte of a request, and no longer', () => {
  for (let length = 0; length < REQUEST.length; length++)
    expect(parse(REQUEST.subarray(0, length))).toBeUndefined();
  expect(parse(REQUEST)).toEqual({
    method: 'PATCH',
    target: '/api/9/stream/keyvals/z?a=b',
    headers: { 'x-api-write': 'on', 'content-length': '10' },
    body: '{"k":"ä"}',
  });
});

it('the answer has a length in bytes', () => {
  expect(wire.formatResponse(200, '["ä"]', 6)).toMatch(
    /^HTTP\/1\.0 200 .*\r\nContent-Length: 6\r\n\r\n\["ä"\]$/s,
  );
});
