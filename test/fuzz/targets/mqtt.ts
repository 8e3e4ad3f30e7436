import { isDeepStrictEqual } from 'node:util';
import * as mqtt from '../../../src/gateway/model/mqtt.js';
import { pieces } from '../inputs/bytes.js';
import { type Connect, connects } from '../inputs/mqtt.js';
import { ACCEPTED, type Acceptance, rejected, type Target } from '../target.js';

/** What the parser says of the longer and longer starts that it is shown, as NGINX shows them, up to its first word. */
function spoken(bytes: Buffer, cuts: readonly number[]): mqtt.Connect {
  let shown = 0;
  for (const piece of pieces(bytes, cuts)) {
    shown += piece.length;
    const said = mqtt.parse(bytes.subarray(0, shown));
    if (said !== undefined) return said;
  }
  return undefined;
}

function judge({ bytes, cuts, valid }: Connect): Acceptance {
  const whole = mqtt.parse(bytes);
  const cut = spoken(bytes, cuts);
  if (!isDeepStrictEqual(cut, whole))
    throw new Error(`in pieces ${JSON.stringify(cut)}, whole ${JSON.stringify(whole)}`);
  if (typeof whole === 'string') return ACCEPTED;
  const reason = whole === undefined ? 'not all has come' : whole.invalid;
  if (valid) throw new Error(`a CONNECT of a client is refused: ${reason}`);
  if (reason === '') throw new Error('there is no reason');
  return rejected(reason);
}

export const mqttParser: Target<Connect> = {
  name: 'mqtt',
  about: 'CONNECT packets, to the parser',
  inputs: connects,
  short: 500,
  async open() {
    return { judge, async [Symbol.asyncDispose]() {} };
  },
};
