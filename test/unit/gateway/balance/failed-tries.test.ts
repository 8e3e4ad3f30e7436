import { describe, expect, it } from 'vitest';
import * as failedTries from '../../../../src/gateway/balance/failed-tries.js';

/** A request's tries as NGINX's variables tell of them: bytes sent, bytes received, status. */
function judge(tries: [number, number, number][], method = 'GET'): failedTries.Verdict {
  const list = (column: number) => tries.map((figures) => figures[column]).join(' : ');
  const variables = {
    upstream_bytes_sent: list(0),
    upstream_bytes_received: list(1),
    upstream_status: list(2),
  };
  return failedTries.judgeTry(variables, method);
}

const REFUSED: [number, number, number] = [0, 0, 502];
const UNREACHED: [number, number, number] = [0, 0, 504];
const CUT: [number, number, number] = [150, 0, 502];
const LATE: [number, number, number] = [150, 0, 504];
const GARBLED: [number, number, number] = [150, 6000, 502];

describe('a request', () => {
  it.each([
    ['GET', REFUSED],
    ['POST', REFUSED],
    ['GET', UNREACHED],
    ['POST', UNREACHED],
  ])('%s that never reached its server is repeated, and the server blamed, every time', (method, how) => {
    for (let before = 0; before < 3; before++)
      expect(judge([...Array(before).fill(how), how], method)).toEqual({
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
  ])('%s whose connection was closed without an answer is repeated: %s', (method, repeat) => {
    expect(judge([CUT], method)).toEqual({ isServerFault: true, mayRepeat: repeat });
  });

  it('that two servers have closed the connection on is given up, and only the first is blamed', () => {
    expect(judge([CUT, CUT])).toEqual({ isServerFault: false, mayRepeat: false });
    expect(judge([REFUSED, CUT, REFUSED, CUT])).toEqual({ isServerFault: false, mayRepeat: false });
  });

  it('goes on, and its servers are blamed, when it was sent once and then reached nobody', () => {
    expect(judge([CUT, REFUSED])).toEqual({ isServerFault: true, mayRepeat: true });
    expect(judge([REFUSED, UNREACHED, CUT])).toEqual({ isServerFault: true, mayRepeat: true });
  });

  it('that got no answer in its time is held against its server and not repeated', () => {
    expect(judge([LATE])).toEqual({ isServerFault: true, mayRepeat: false });
    expect(judge([CUT, LATE])).toEqual({ isServerFault: false, mayRepeat: false });
  });

  it.each([[502], [504]])('of whose answer a byte came back is nobody’s fault (%i)', (status) => {
    expect(judge([[150, 1, status]])).toEqual({ isServerFault: false, mayRepeat: false });
    expect(judge([REFUSED, GARBLED])).toEqual({ isServerFault: false, mayRepeat: false });
  });

  it.each([
    ['150, 150', '0, 0'],
    ['150, 0', '0, 0'],
    ['0 : 150, 150', '0 : 0, 0'],
  ])('that went to one server over two connections (%s) went to one server', (sent, received) => {
    const variables = {
      upstream_bytes_sent: sent,
      upstream_bytes_received: received,
      upstream_status: '502, 502',
    };
    expect(failedTries.judgeTry(variables, 'GET')).toEqual({ isServerFault: true, mayRepeat: true });
    expect(failedTries.judgeTry(variables, 'POST')).toEqual({ isServerFault: true, mayRepeat: false });
  });
});
