import { type Networks, parseNetwork } from './address.js';

/** Every address there is. */
export const anyNetwork: Networks = ['0.0.0.0/0', '::/0'].flatMap((text) => {
  const network = parseNetwork(text);
  return network.ok ? [network.value] : [];
});
