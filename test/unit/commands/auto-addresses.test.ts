import { describe, expect, it } from 'vitest';
import { AutoAddresses, type FindAddress } from '../../../src/commands/auto-addresses.js';
import { registerScope, registerSettings } from '../../../src/config/register.js';
import type { Address } from '../../../src/core/address.js';
import { recordingLog } from '../../support/silent.js';
import { load } from '../config/support.js';

const settings = registerSettings(
  load(registerScope, { flags: { '--service': 'firmware', '--address': 'auto:eth0:8080' } }),
  {},
);

/** A host with the address that the test gives it; undefined for none. */
function host() {
  let address: string | undefined;
  const find: FindAddress = async ({ port }) => {
    if (address === undefined) throw new Error('interface eth0 has no address');
    return `${address}:${port}` as Address;
  };
  const log = recordingLog();
  const addresses = new AutoAddresses(log, find);
  return {
    log,
    addresses,
    /** Looks up this address. Resolves to whether it has changed, and what is then registered. */
    refresh: async (now: string | undefined): Promise<[changed: boolean, registered: string[]]> => {
      address = now;
      const changed = await addresses.refresh(settings);
      return [changed, addresses.options(settings).services.map(({ registration }) => registration.address)];
    },
  };
}

describe('AutoAddresses', () => {
  it('waits for an address that the host does not have yet, and logs that once', async () => {
    const { refresh, addresses, log } = host();
    expect(addresses.unaddressed(settings)).toMatchObject([{ service: 'firmware', auto: 'auto:eth0:8080' }]);
    expect([await refresh(undefined), await refresh(undefined)]).toEqual([
      [false, []],
      [false, []],
    ]);
    expect(addresses.unaddressed(settings)).toMatchObject([{ reason: 'interface eth0 has no address' }]);
    expect(log.events('address-unknown')).toHaveLength(1);

    expect(await refresh('10.0.0.1')).toEqual([true, ['10.0.0.1:8080']]);
    expect(addresses.unaddressed(settings)).toEqual([]);
  });

  it('uses a changed address once it was found twice', async () => {
    const { refresh, log } = host();
    await refresh('10.0.0.1');
    expect(await refresh('10.0.0.2')).toEqual([false, ['10.0.0.1:8080']]);
    expect(await refresh('10.0.0.2')).toEqual([true, ['10.0.0.2:8080']]);
    expect(log.events('address-found').map(({ fields }) => [fields.before, fields.address])).toEqual([
      [undefined, '10.0.0.1:8080'],
      ['10.0.0.1:8080', '10.0.0.2:8080'],
    ]);
  });

  it('keeps its address while none is found, or another one only for a moment', async () => {
    const { refresh } = host();
    await refresh('10.0.0.1');
    for (const now of [undefined, '10.0.0.2', '10.0.0.1', '10.0.0.3', undefined]) {
      expect(await refresh(now)).toEqual([false, ['10.0.0.1:8080']]);
    }
  });

  it('warns about an address that only this host can reach', async () => {
    const { refresh, log } = host();
    await refresh('127.0.0.1');
    expect(log.events('address-local')).toHaveLength(1);
  });
});
