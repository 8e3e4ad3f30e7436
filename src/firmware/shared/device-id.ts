/**
 * Device ids in one spelling, so that a device stays itself whatever its library writes. NGINX runs this as well: see
 * version.ts for what njs lacks.
 */

/** The longest id, in characters. */
export const MAX_ID = 64;

const NORMAL_MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const DECIMAL = /^[0-9]{1,15}$/;
/** 2^48: the first number that is no MAC address. */
const MAC_END = 281_474_976_710_656;
const MAC = /^([0-9a-f]{2})([:-]?)([0-9a-f]{2})\2([0-9a-f]{2})\2([0-9a-f]{2})\2([0-9a-f]{2})\2([0-9a-f]{2})$/;
const DOTTED_MAC = /^([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})$/;
const NAME = /^[a-z0-9._:@~-]{1,64}$/;

/**
 * The id in its normal spelling: a MAC address as `24:6f:28:aa:bb:cc`, another name in lower case. Undefined where it is
 * no id. What has digits alone is a MAC address as esp32FOTA sends it: a decimal number whose lowest byte is the address's
 * first (source: esp32FOTA, `getDeviceID`); so 12 digits without separators are never read as hex.
 */
export function normalize(text: string): string | undefined {
  if (text.length > MAX_ID) return undefined;
  if (NORMAL_MAC.test(text)) return text;
  if (DECIMAL.test(text) && Number(text) < MAC_END) return macOf(Number(text));
  const lower = text.toLowerCase();
  if (MAC.test(lower)) return lower.replace(MAC, '$1:$3:$4:$5:$6:$7');
  if (DOTTED_MAC.test(lower)) return lower.replace(DOTTED_MAC, '$1:$2:$3:$4:$5:$6');
  return NAME.test(lower) ? lower : undefined;
}

/** The address whose bytes a number holds, the first one lowest. */
function macOf(id: number): string {
  let rest = id;
  let text = '';
  for (let i = 0; i < 6; i++) {
    const byte = rest % 256;
    text += `${i === 0 ? '' : ':'}${byte < 16 ? '0' : ''}${byte.toString(16)}`;
    rest = (rest - byte) / 256;
  }
  return text;
}
