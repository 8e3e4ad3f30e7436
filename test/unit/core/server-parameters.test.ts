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
import { fc } from '../../support/property.js';

describe('readParameters', () => {
  it('fills in the defaults of NGINX', () => {
    expect(DEFAULT_PARAMETERS).toEqual({
      weight: 1,
      max_conns: 0,
      max_fails: 1,
      fail_timeout: '10s',
      slow_start: '0s',
      route: '',
      backup: false,
      down: false,
    });
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
    ['slow_start', ['10s']],
    ['route', 'a'.repeat(33)],
    ['route', 5],
    ['route', ['a']],
    ['backup', 'true'],
    ['down', 1],
  ])('refuses %s: %j and names it', (name, value) => {
    const read = readParameters({ [name]: value });
    expect(read).toMatchObject({ ok: false, reason: expect.stringContaining(`${name} must be`) });
  });

  it.each([
    ['weight', 1],
    ['max_conns', 0],
    ['max_conns', 2 ** 31 - 1],
    ['max_fails', 0],
    ['max_fails', 2 ** 31 - 1],
    ['route', ''],
  ])('takes %s: %j, which is just allowed', (name, value) => {
    expect(readParameters({ [name]: value })).toEqual({
      ok: true,
      value: { ...DEFAULT_PARAMETERS, [name]: value },
    });
  });

  it('names every bad parameter, and what is allowed', () => {
    const bad = {
      weight: -1,
      max_conns: -1,
      max_fails: -1,
      fail_timeout: 'soon',
      slow_start: true,
      route: 5,
      backup: 'no',
      down: 'no',
    };
    expect(readParameters(bad)).toEqual({
      ok: false,
      reason: [
        'weight must be an integer from 1 to 65535, got "-1"',
        'max_conns must be an integer from 0 to 2147483647, got "-1"',
        'max_fails must be an integer from 0 to 2147483647, got "-1"',
        'fail_timeout must be an NGINX time in whole seconds such as 10s or 1m, got "soon"',
        'slow_start must be an NGINX time in whole seconds such as 10s or 1m, got "true"',
        'route must be a string of at most 32 characters, got "5"',
        'backup must be true or false, got "no"',
        'down must be true or false, got "no"',
      ].join('; '),
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
    expect(parametersFor('stream')).toEqual(PARAMETER_NAMES.filter((name) => name !== 'route'));
    expect(differences('stream', DEFAULT_PARAMETERS, { ...DEFAULT_PARAMETERS, route: 'a' })).toEqual({});
  });

  it('states the route as well where it differs from its default', () => {
    expect(nonDefault({ ...DEFAULT_PARAMETERS, route: 'a' })).toEqual({ route: 'a' });
  });
});
