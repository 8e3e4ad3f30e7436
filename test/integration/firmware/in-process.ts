/** What the daemons do with firmware, in the process of the test: there NGINX, files and other servers may be fakes. */
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { Offerer } from '../../../src/daemon/firmware/offerer.js';
import { Spreader } from '../../../src/daemon/firmware/spreader.js';
import { recordingLog, recordingMeter } from '../../support/silent.js';

/** Where devices ask. */
export const ORIGIN = 'https://ota.example.com';

type OffererPorts = ConstructorParameters<typeof Offerer>[1];
type SpreaderPorts = ConstructorParameters<typeof Spreader>[1];

/** What a watcher does: it offers what is published at each NGINX. */
export function newOfferer(
  ports: Pick<OffererPorts, 'reader' | 'store' | 'nginx'> & Partial<OffererPorts>,
): Offerer {
  return new Offerer(
    { prefixes: DEFAULT_KEY_PREFIXES, service: 'firmware', origin: ORIGIN },
    { log: recordingLog(), meter: recordingMeter(), wallClock: Date.now, ...ports },
  );
}

/** What the sidekick of the firmware server at an address does: it fetches what is published from the others. */
export function newSpreader(
  own: string,
  ports: Pick<SpreaderPorts, 'reader' | 'store' | 'peers'> & Partial<SpreaderPorts>,
): Spreader {
  return new Spreader(
    { prefixes: DEFAULT_KEY_PREFIXES, service: 'firmware' },
    {
      ...{ log: recordingLog(), meter: recordingMeter(), clock: () => performance.now() },
      ...{ isOwn: (address) => address === own, ...ports },
    },
  );
}
