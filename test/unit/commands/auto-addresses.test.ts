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

/** A host whose address is what the test says: undefined where it has none. */
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
    /** Looks with this address; returns whether the answer is new, and what is then registered. */
    look: async (now: string | undefined): Promise<[changed: boolean, registered: string[]]> => {
      address = now;
      const changed = await addresses.look(settings);
      return [changed, addresses.config(settings).services.map(({ registration }) => registration.address)];
    },
  };
}

describe('OwnAddresses', () => {
  it('waits for an address that the host does not have yet, and says so once', async () => {
    const { look, addresses, log } = host();
    expect(addresses.waiting(settings)).toMatchObject([{ service: 'firmware', own: 'auto:eth0:8080' }]);
    expect([await look(undefined), await look(undefined)]).toEqual([
      [false, []],
      [false, []],
    ]);
    expect(addresses.waiting(settings)).toMatchObject([{ reason: 'interface eth0 has no address' }]);
    expect(log.events('address-unknown')).toHaveLength(1);

    expect(await look('10.0.0.1')).toEqual([true, ['10.0.0.1:8080']]);
    expect(addresses.waiting(settings)).toEqual([]);
  });

  it('follows an address that has become another, once it was seen twice', async () => {
    const { look, log } = host();
    await look('10.0.0.1');
    expect(await look('10.0.0.2')).toEqual([false, ['10.0.0.1:8080']]);
    expect(await look('10.0.0.2')).toEqual([true, ['10.0.0.2:8080']]);
    expect(log.events('address-found').map(({ fields }) => [fields.before, fields.address])).toEqual([
      [undefined, '10.0.0.1:8080'],
      ['10.0.0.1:8080', '10.0.0.2:8080'],
    ]);
  });

  it('stays with its address while there is none, or another one for a moment', async () => {
    const { look } = host();
    await look('10.0.0.1');
    for (const now of [undefined, '10.0.0.2', '10.0.0.1', '10.0.0.3', undefined]) {
      expect(await look(now)).toEqual([false, ['10.0.0.1:8080']]);
    }
  });

  it('warns of an address that only this host can reach', async () => {
    const { look, log } = host();
    await look('127.0.0.1');
    expect(log.events('address-loopback')).toHaveLength(1);
  });
});
