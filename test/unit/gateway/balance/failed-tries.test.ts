import { describe, expect, it } from 'vitest';
import * as failedTries from '../../../../src/gateway/balance/failed-tries.js';

/** A request's tries as NGINX's variables tell of them: bytes sent, bytes received, status. */
function judge(
  tries: [number, number, number][],
  method = 'GET',
  sameFiles = false,
): failedTries.RetryDecision {
  const list = (column: number) => tries.map((figures) => figures[column]).join(' : ');
  const variables = {
    upstream_bytes_sent: list(0),
    upstream_bytes_received: list(1),
    upstream_status: list(2),
  };
  return failedTries.decideRetry(variables, method, sameFiles);
}

const REFUSED: [number, number, number] = [0, 0, 502];
const UNREACHED: [number, number, number] = [0, 0, 504];
const CUT: [number, number, number] = [150, 0, 502];
const LATE: [number, number, number] = [150, 0, 504];
const GARBLED: [number, number, number] = [150, 6000, 502];

describe('a failed request', () => {
  it.each([
    ['GET', REFUSED],
    ['POST', REFUSED],
    ['GET', UNREACHED],
    ['POST', UNREACHED],
  ])('is repeated as %s when it never reached its server, which is blamed, every time', (method, how) => {
    for (let before = 0; before < 3; before++)
      expect(judge([...Array(before).fill(how), how], method)).toMatchObject({
        isServerFault: true,
        mayRepeat: true,
      });
  });

  it.each([
    ['GET', true],
    ['DELETE', true],
    ['POST', false],
    ['PATCH', false],
    ['LOCK', false],
  ])('is repeated as %s when its connection was closed without an answer: %s', (method, repeat) => {
    expect(judge([CUT], method)).toMatchObject({ isServerFault: true, mayRepeat: repeat });
  });

  it('is not repeated when two servers have closed its connection, and only the first is blamed', () => {
    expect(judge([CUT, CUT])).toMatchObject({ isServerFault: false, mayRepeat: false });
    expect(judge([REFUSED, CUT, REFUSED, CUT])).toMatchObject({ isServerFault: false, mayRepeat: false });
  });

  it('is repeated, and its servers are blamed, when it was sent once and then reached no server', () => {
    expect(judge([CUT, REFUSED])).toMatchObject({ isServerFault: true, mayRepeat: true });
    expect(judge([REFUSED, UNREACHED, CUT])).toMatchObject({ isServerFault: true, mayRepeat: true });
  });

  it('is not repeated when it got no answer in its time, and its server is blamed', () => {
    expect(judge([LATE])).toMatchObject({ isServerFault: true, mayRepeat: false });
    expect(judge([CUT, LATE])).toMatchObject({ isServerFault: false, mayRepeat: false });
  });

  it.each([[502], [504]])('blames no server when a byte of the answer came back (%i)', (status) => {
    expect(judge([[150, 1, status]])).toMatchObject({ isServerFault: false, mayRepeat: false });
    expect(judge([REFUSED, GARBLED])).toMatchObject({ isServerFault: false, mayRepeat: false });
  });

  it.each([
    ['150, 150', '0, 0'],
    ['150, 0', '0, 0'],
    ['0 : 150, 150', '0 : 0, 0'],
  ])('counts as one try when it went to one server over two connections (%s)', (sent, received) => {
    const variables = {
      upstream_bytes_sent: sent,
      upstream_bytes_received: received,
      upstream_status: '502, 502',
    };
    expect(failedTries.decideRetry(variables, 'GET', false)).toMatchObject({
      isServerFault: true,
      mayRepeat: true,
    });
    expect(failedTries.decideRetry(variables, 'POST', false)).toMatchObject({
      isServerFault: true,
      mayRepeat: false,
    });
  });

  it.each([[403], [404], [500], [503]])(
    'is repeated when it was answered with %i, where all servers have the same files',
    (status) => {
      const answered: [number, number, number] = [150, 300, status];
      const decision = { isServerFault: false, mayRepeat: true, isAnswered: true };
      expect(judge([answered], 'GET', true)).toEqual(decision);
      expect(judge([REFUSED, answered, answered], 'HEAD', true)).toEqual(decision);
      expect(judge([answered], 'POST', true)).toEqual({ ...decision, mayRepeat: false });
      expect(judge([answered], 'GET')).toEqual({ ...decision, mayRepeat: false });
    },
  );

  it.each([
    ['when it got no answer in its time', LATE],
    ['when its connection was closed', CUT],
    ['when a part of the answer came back', GARBLED],
  ])('is repeated every time %s, where all servers have the same files', (_, how) => {
    expect(judge([how], 'GET', true)).toMatchObject({ mayRepeat: true, isAnswered: false });
    expect(judge([how, how], 'GET', true)).toMatchObject({ isServerFault: false, mayRepeat: true });
    expect(judge([how], 'POST', true).mayRepeat).toBe(false);
  });
});
