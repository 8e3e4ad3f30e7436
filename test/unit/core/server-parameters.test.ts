import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_PARAMETERS,
  differences,
  nonDefault,
  PARAMETER_NAMES,
  parametersFor,
  readParameters,
} from '../../../src/core/server-parameters.js';
import { parameters } from '../../support/arbitraries.js';

describe('readParameters', () => {
  it('fills in the defaults of NGINX', () => {
    expect(readParameters({})).toEqual({ ok: true, value: DEFAULT_PARAMETERS });
  });

  it('reads every parameter, times in one spelling', () => {
    const given = {
      weight: 65535,
      max_conns: 100,
      max_fails: 0,
      fail_timeout: '1m30s',
      slow_start: 30,
      route: 'a'.repeat(32),
      backup: true,
      down: true,
    };
    expect(readParameters(given)).toEqual({
      ok: true,
      value: { ...given, fail_timeout: '90s', slow_start: '30s' },
    });
  });

  it.each([
    ['weight', 0],
    ['weight', -1],
    ['weight', 65536],
    ['weight', 1.5],
    ['weight', '5'],
    ['weight', null],
    ['weight', Number.NaN],
    ['max_conns', -1],
    ['max_conns', 2 ** 31],
    ['max_fails', true],
    ['fail_timeout', '-1s'],
    ['fail_timeout', 'soon'],
    ['slow_start', {}],
    ['route', 'a'.repeat(33)],
    ['route', 5],
    ['backup', 'true'],
    ['down', 1],
  ])('refuses %s: %j and names it', (name, value) => {
    const read = readParameters({ [name]: value });
    expect(read).toMatchObject({ ok: false, reason: expect.stringContaining(`${name} must be`) });
  });

  it('names every bad parameter', () => {
    expect(readParameters({ weight: -1, down: 'no' })).toMatchObject({
      reason: expect.stringMatching(/weight.*; down/),
    });
  });

  it('keeps a long bad value out of the reason', () => {
    const read = readParameters({ weight: 'x'.repeat(10_000) });
    expect(read.ok ? '' : read.reason.length).toBeLessThan(200);
  });

  it('reads nothing from the prototype', () => {
    expect(readParameters(Object.create({ weight: 7 }))).toEqual({ ok: true, value: DEFAULT_PARAMETERS });
  });
});

describe('the conversion of parameters', () => {
  it('states only what differs from the defaults, and reads it back unchanged', () => {
    fc.assert(
      fc.property(parameters, (given) => {
        expect(readParameters(nonDefault(given))).toEqual({ ok: true, value: given });
      }),
    );
  });

  it('turns one set of parameters into another by their differences', () => {
    fc.assert(
      fc.property(parameters, parameters, (present, wanted) => {
        expect({ ...present, ...differences('http', present, wanted) }).toEqual(wanted);
        expect(differences('http', wanted, wanted)).toEqual({});
      }),
    );
  });

  it('omits route for a stream server', () => {
    expect(parametersFor('http')).toEqual(PARAMETER_NAMES);
    expect(parametersFor('stream')).not.toContain('route');
    expect(differences('stream', DEFAULT_PARAMETERS, { ...DEFAULT_PARAMETERS, route: 'a' })).toEqual({});
  });
});
