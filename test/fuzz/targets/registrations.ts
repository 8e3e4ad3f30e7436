import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { decodeRegistration, encodeRegistration } from '../../../src/core/registration-codec.js';
import { registrationWrite, type Write } from '../inputs/registrations.js';
import { ACCEPTED, type Acceptance, rejected, type Target } from '../target.js';

/** Longer is no reason that somebody reads. */
const MAX_REASON = 4_000;

function judge({ key, value }: Write): Acceptance {
  const decoded = decodeRegistration(DEFAULT_KEY_PREFIXES, key, value);
  if (decoded.status === 'rejected') {
    const { reason } = decoded;
    if (reason === '' || reason.length > MAX_REASON)
      throw new Error(`a reason of ${reason.length} characters`);
    return rejected(reason);
  }
  const written = encodeRegistration(DEFAULT_KEY_PREFIXES, decoded.registration);
  const again = decodeRegistration(DEFAULT_KEY_PREFIXES, written.key, written.value);
  const [first, second] = [decoded.registration, again.status === 'accepted' && again.registration].map(
    (one) => JSON.stringify(one),
  );
  if (first !== second) throw new Error(`read again it is ${second} and not ${first}`);
  return ACCEPTED;
}

export const registrations: Target<Write> = {
  name: 'registrations',
  about: 'keys and values of etcd, to the codec',
  inputs: registrationWrite,
  short: 1_500,
  async open() {
    return { judge, async [Symbol.asyncDispose]() {} };
  },
};
