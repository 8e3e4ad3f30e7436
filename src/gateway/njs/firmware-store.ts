/**
 * What njs modules for firmware read and remember. The gateway and NGINX Plus both use them; where the keyval zone is read
 * is all that differs.
 */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';
import * as catalogue from '../../firmware/shared/catalogue.js';
import type { Memory, Numbers, Texts } from '../../firmware/shared/memory.js';
import type { Store } from '../../firmware/shared/offering.js';
import * as regions from '../../firmware/shared/region.js';
import * as zones from '../store/keyval-zone.js';
import type { StringDict } from '../store/platform.js';
import * as journals from './flights-journal.js';

/** The shared memory zones for firmware. NGINX Plus has no `http_keyvals`. */
interface Zones {
  http_keyvals?: StringDict;
  firmware_flights?: Texts;
  firmware_counts?: Numbers;
}

function digest(text: string): Uint8Array {
  return crypto.createHash('sha256').update(text).digest();
}

/** A value of the zone in NGINX Plus, whose variables `keyval` fills: each kind of key has its own. */
function getFromPlus(variables: NginxVariables, key: string): string | undefined {
  if (key === catalogue.READY_KEY) return variables.firmware_ready || undefined;
  if (key === catalogue.SLOTS_KEY) return variables.firmware_slots || undefined;
  if (key.indexOf(catalogue.regionSlotsKey('')) === 0) {
    variables.firmware_region_slots_key = key;
    return variables.firmware_region_slots || undefined;
  }
  if (key.indexOf('/') < 0 && regions.regionOf(key) !== '') {
    variables.firmware_line = key;
    return variables.firmware_line_catalogue || undefined;
  }
  if (key.indexOf('/') < 0) {
    variables.firmware_type = key;
    return variables.firmware_catalogue || undefined;
  }
  if (key.indexOf('/via/') > 0) {
    variables.firmware_stone = key;
    return variables.firmware_release || undefined;
  }
  variables.firmware_member = key;
  return variables.firmware_groups || undefined;
}

/** What NGINX remembers of devices; undefined where it has no memory for it. */
export function memoryOf(variables: NginxVariables): Memory | undefined {
  const shared = ngx.shared as unknown as Zones;
  const texts = shared.firmware_flights;
  const counts = shared.firmware_counts;
  if (texts === undefined || counts === undefined) return undefined;
  const path = variables.firmware_state || '';
  const journal = path === '' ? undefined : (lines: string) => journals.append(counts, path, lines);
  return { flights: texts, counts: counts, journal: journal };
}

/** The store of a request or a periodic session. */
export function storeOf(variables: NginxVariables): Store {
  const dict = (ngx.shared as unknown as Zones).http_keyvals;
  const get =
    dict === undefined
      ? (key: string) => getFromPlus(variables, key)
      : (key: string) => zones.getLasting(dict, catalogue.ZONE, key);
  return { get: get, digest: digest, memory: memoryOf(variables) };
}
