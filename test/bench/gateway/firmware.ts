/** What a device asks for its manifest by, and the same manifest as a file. */
import { renderCatalogue } from '../../../src/firmware/catalogue.js';
import { decode, READY_KEY, typeKey } from '../../../src/firmware/shared/catalogue.js';
import { HEADERS, inside } from './container.js';

const AUTHOR = { by: 'bench', at: '2026-11-27T12:00:00.000Z' };
const TYPE = 'lamp-v2';

/** A device that a percentage takes in, so that it is hashed, and one of a group is looked for. */
export const QUESTION = `/ota?type=${TYPE}&id=24:6f:28:aa:bb:cc&version=1.2.0`;

function release(version: string) {
  const digit = version.charAt(2);
  return {
    version,
    publishedAt: AUTHOR.at,
    publishedBy: AUTHOR.by,
    plain: { sha256: digit.repeat(64), md5: digit.repeat(32), size: 1_000_000 },
    image: { chip: 'esp32s3', secureBoot: 'none' as const },
  };
}

/** Fills the keyval zone of the gateway at an address, and writes the manifest where a static file is served from. */
export async function offerFirmware(address: string): Promise<void> {
  const value = renderCatalogue({
    type: TYPE,
    record: { chip: 'esp32s3', forms: ['esp32fota', 'esphome'] },
    rollout: {
      ...AUTHOR,
      stable: '1.2.0',
      candidate: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 40, groups: ['lab'] },
      downgrade: false,
      secureVersion: 0,
    },
    releases: new Map(['1.2.0', '1.3.0'].map((version) => [version, release(version)])),
    origin: 'https://ota.example.com',
    revision: 100,
  });
  if (!value.ok) throw new Error(value.reason);
  const manifest = decode(value.value)?.candidate?.esp32fota ?? '';
  inside(`printf %s '${manifest}' >/bench/files/manifest.json`);
  const zone = `http://${address}:8080/api/9/http/keyvals/firmware`;
  const body = JSON.stringify({ [READY_KEY]: '1', [typeKey(TYPE)]: value.value });
  const answer = await fetch(zone, { method: 'POST', headers: HEADERS, body });
  if (answer.status !== 201) throw new Error(`POST ${zone}: ${await answer.text()}`);
}
