/** Random input for property tests. */

import { type Address, parseAddress } from '../../src/core/address.js';
import type { DesiredServer } from '../../src/core/desired.js';
import type { ActualServer } from '../../src/core/ports.js';
import { DEFAULT_PARAMETERS, type ServerParameters } from '../../src/core/server-parameters.js';
import { fc } from './property.js';

function known(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

/** Few enough that they collide. */
export const SOME_ADDRESSES: readonly Address[] = Array.from({ length: 6 }, (_, i) =>
  known(`10.0.0.${i + 1}:80`),
);

export const someAddress = fc.constantFrom(...SOME_ADDRESSES);

export const parameters: fc.Arbitrary<ServerParameters> = fc.record({
  weight: fc.integer({ min: 1, max: 3 }),
  max_conns: fc.constantFrom(0, 10),
  max_fails: fc.constant(1),
  fail_timeout: fc.constantFrom('10s', '60s'),
  slow_start: fc.constant('0s'),
  route: fc.constant(''),
  backup: fc.boolean(),
  down: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

/** Parameters as they mostly are. */
const usual = fc.oneof(
  { weight: 2, arbitrary: fc.constant(DEFAULT_PARAMETERS) },
  { weight: 1, arbitrary: parameters },
);

export const desiredServers: fc.Arbitrary<ReadonlyMap<Address, DesiredServer>> = fc
  .uniqueArray(
    fc.record({
      address: someAddress,
      intent: fc.constantFrom('serve' as const, 'serve' as const, 'drain' as const, 'keep' as const),
      parameters: usual,
      requests: fc.constant([]),
      cause: fc.constant({ kind: 'registered' as const, revision: 1 }),
    }),
    { selector: ({ address }) => address },
  )
  .map((servers) => new Map(servers.map((server) => [server.address, server])));

/** What an http upstream may hold, duplicates and half-finished work included. */
export const actualServers: fc.Arbitrary<readonly ActualServer[]> = fc
  .array(
    fc.record({
      address: someAddress,
      parameters: usual,
      draining: fc.boolean(),
      active: fc.constantFrom(0, 0, 3),
      failing: fc.oneof(
        { weight: 5, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }),
    { maxLength: 9 },
  )
  .map((servers) => servers.map((server, id) => ({ ...server, id })));
