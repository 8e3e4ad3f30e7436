import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../src/firmware/shared/certificate.js';
import { normalize } from '../../../src/firmware/shared/device-id.js';

describe('the name in a client certificate', () => {
  it.each([
    ['CN=bench-1', 'bench-1'],
    ['CN=24:6f:28:aa:bb:cc,OU=lamps,O=Acme,C=AT', '24:6f:28:aa:bb:cc'],
    ['serialNumber=7,CN=bench-1,O=Acme', 'bench-1'],
    ['CN=Jane Doe', 'Jane Doe'],
  ])('%s: %s', (subject, name) => {
    expect(nameOf('SUCCESS', subject)).toBe(name);
  });

  it.each([
    ['', 'a subject without attributes'],
    ['O=Acme', 'no common name'],
    ['CN=bench-1,CN=bench-2', 'two common names'],
    ['CN=bench-1+OU=lamps', 'a common name beside another attribute'],
    ['CN=a\\,CN=bench-1', 'a comma in the name'],
    ['O=Acme\\,CN=bench-1', 'a comma before what looks like a name'],
    ['O=\\\\,CN=bench-1', 'a backslash before the comma'],
    ['DCN=bench-1', 'another attribute that ends in CN'],
    ['CN=', 'an empty name'],
  ])('%s: %s names nobody, and is no id', (subject) => {
    const name = nameOf('SUCCESS', subject);
    expect(name).not.toBe('');
    expect(normalize(name)).toBeUndefined();
  });

  it.each(['NONE', '', 'FAILED:certificate has expired', 'FAILED:unable to verify', 'success'])(
    'does not count where NGINX says %j of it',
    (verify) => {
      expect(nameOf(verify, 'CN=bench-1')).toBe('');
    },
  );
});
