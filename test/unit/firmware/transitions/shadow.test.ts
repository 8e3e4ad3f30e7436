import { describe, expect, it } from 'vitest';
import { shadow } from '../../../../src/firmware/transitions.js';
import { changed, made, RELEASES, refusal, rolledOut, STABLE } from '../support/transitions.js';
import { AUTHOR } from '../support/types.js';

describe('a shadow', () => {
  it('counts whom a release would reach, with the salt that it will have, and changes nothing else', () => {
    const { rollout, text } = made(shadow(STABLE, { percent: 10 }, AUTHOR));
    expect(rollout).toEqual({
      ...STABLE.rollout,
      shadow: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 10 },
    });
    expect(text).toBe(
      '1.3.0 is in shadow at 10 %: no device is offered it, and those that it would reach are counted',
    );
  });

  it('comes, where an operator wants it, before anything was rolled out, and ends at 0 % and when its release is rolled out', () => {
    const counted = changed(RELEASES, (state) => shadow(state, {}, AUTHOR));
    expect(counted.rollout).toEqual({
      ...AUTHOR,
      ...{ downgrade: false, secureVersion: 0 },
      shadow: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 100 },
    });
    expect(made(shadow(counted, { percent: 0 }, AUTHOR)).rollout.shadow).toBeUndefined();
    expect(rolledOut(counted, { version: '1.3.0', percent: 1 }).rollout?.shadow).toBeUndefined();
    expect(rolledOut(counted, { version: '1.2.0', percent: 1 }).rollout?.shadow).toBeDefined();
  });

  it('stays that of its release unless another one is named, and has the salt of the candidate where it is that', () => {
    const named = changed(RELEASES, (state) => shadow(state, { version: '1.1.0' }, AUTHOR));
    expect(made(shadow(named, { percent: 5 }, AUTHOR)).rollout.shadow).toMatchObject({
      version: '1.1.0',
      percent: 5,
    });
    expect(made(shadow(named, { version: '1.2.0' }, AUTHOR)).version).toBe('1.2.0');
    const salted = rolledOut(STABLE, { version: '1.3.0', percent: 1, salt: 'other' });
    expect(made(shadow(salted, {}, AUTHOR)).rollout.shadow?.salt).toBe('other');
  });

  it('is refused of a release that there is not, and to more than all devices', () => {
    expect(refusal(shadow(STABLE, { version: '9.0.0' }, AUTHOR))).toMatch(/^no-release: /);
    expect(refusal(shadow(STABLE, { percent: 101 }, AUTHOR))).toMatch(/^percent: /);
  });

  it('is refused of the stable release, and of one that comes before it', () => {
    expect(refusal(shadow(STABLE, { version: '1.2.0' }, AUTHOR))).toMatch(/^is-stable: /);
    expect(refusal(shadow(STABLE, { version: '1.1.0' }, AUTHOR))).toMatch(/^version-backwards: /);
  });
});
