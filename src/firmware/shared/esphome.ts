/** The manifest of ESPHome's `update: http_request`. NGINX runs this as well: see version.ts for what njs lacks. */

/**
 * Every chip family that ESPHome builds for: it takes the build of its own chip, and a manifest without one for broken. A
 * function, since njs makes a constant anew in every request. Source: esphome, components/http_request/update; the names
 * are those of ESP Web Tools.
 */
function families(): string[] {
  return [
    'ESP32',
    'ESP32-S2',
    'ESP32-S3',
    'ESP32-C2',
    'ESP32-C3',
    'ESP32-C5',
    'ESP32-C6',
    'ESP32-C61',
    'ESP32-E22',
    'ESP32-H2',
    'ESP32-H21',
    'ESP32-H4',
    'ESP32-P4',
    'ESP32-S31',
    'ESP8266',
  ];
}

/**
 * Tells a device that there is nothing but what it runs. To ESPHome any other version is an update, and an answer without a
 * manifest an error.
 * @param version As the device says it.
 */
export function ownManifest(type: string, version: string): string {
  // No file has it: a device that runs the manifest's version fetches none.
  const noFile = `"ota":{"path":"/blobs/none.bin","md5":"${'0'.repeat(32)}"}`;
  const builds = families()
    .map((family) => `{"chipFamily":"${family}",${noFile}}`)
    .join(',');
  return `{"name":"${type}","version":${JSON.stringify(version)},"builds":[${builds}]}`;
}
