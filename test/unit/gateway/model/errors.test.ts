import { describe, expect, it } from 'vitest';
import * as errors from '../../../../src/gateway/model/errors.js';

describe('a refusal', () => {
  it('has a code and a text', () => {
    expect(errors.refusal('UpstreamNotFound', 'no group a')).toEqual({
      code: 'UpstreamNotFound',
      text: 'no group a',
    });
  });

  it('says of a lock that another worker holds that the service is unavailable', () => {
    expect(errors.locked).toEqual({
      code: 'ServiceUnavailable',
      text: 'another worker is changing the configuration',
    });
  });

  it('is told from a programming error, whatever was thrown', () => {
    expect(errors.isRefusal(errors.locked)).toBe(true);
    const others = [
      new Error('defect'),
      Object.assign(new Error('defect'), { code: 'ENOENT' }),
      { text: 'a' },
    ];
    for (const other of [...others, null, undefined, 'text']) expect(errors.isRefusal(other)).toBe(false);
  });
});
