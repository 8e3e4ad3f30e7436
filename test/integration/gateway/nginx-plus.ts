/** The configuration for NGINX Plus in open-source NGINX, with something that does the same for what that does not have. */
import { readFileSync } from 'node:fs';
import type { KeyPair } from '../../support/certificates.js';
import { type Container, startContainer, type TestNetwork } from '../../support/containers/index.js';

/** Directives that open-source NGINX does not have. A block goes with all that is in it. */
const PLUS =
  /^\s*(health_check|keyval|keyval_zone|match|mqtt_preread|proxy_session_drop|state|status_zone)\b/;

/** Where the stand-in has its configuration: the image's own is in /etc/nginx. */
const ROOT = '/etc/plus';

/** What the image of NGINX Plus does. */
const PREPARE =
  'install -d /run/nginx-api && install -d -o www-data /run/nginx-clients /var/lib/nginx/state && ' +
  'rm -f /run/nginx-api/api.sock /run/nginx-clients/clients.sock';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** The lines that open-source NGINX can parse. */
function openSource(text: string): string {
  const kept: string[] = [];
  let depth = 0;
  for (const line of text.split('\n')) {
    if (depth > 0 || PLUS.test(line)) depth += line.split('{').length - line.split('}').length;
    else kept.push(line);
  }
  return kept.join('\n');
}

/** A file of the configuration. A keyval variable becomes one that finds its key in a file. */
function own(name: string): string {
  const text = read(`docker/gateway/nginx-plus/${name}`)
    .replaceAll('/etc/nginx/', `${ROOT}/`)
    .replace(/keyval (\$\w+) (\$\w+) zone=(\w+);/g, 'map $1 $2 { include $3.map*; }')
    .replaceAll(/(access|error)_log \/var[^ ;]+/g, '$1_log /dev/stderr');
  return openSource(text);
}

/** The values of a keyval zone, as a map has them: keys in regular expressions, since otherwise their case does not count. */
export function zoneMap(values: ReadonlyMap<string, string>): string {
  const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const pattern = (key: string) => quoted(`~^${key.replace(/[.]/g, '[.]')}$`);
  return [...values].map(([key, value]) => `${pattern(key)} ${quoted(value)};\n`).join('');
}

interface PlusSpec {
  readonly name: string;
  /** Its certificate. */
  readonly tls: KeyPair;
  readonly ports: readonly number[];
  /** What is beside the configuration in its directory, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** The servers of the group `firmware`, as in `server …;` (default: one at which there is nothing). */
  readonly firmware?: readonly string[];
  /** Groups of regions. */
  readonly regions?: string;
}

/** The configuration, with a page that only GET may ask for in the place of the API. */
function main(firmware: readonly string[] = ['127.0.0.1:1'], regions = ''): string {
  const servers = firmware.map((server) => `server ${server};`).join(' ');
  return own('nginx.conf')
    .replace(/load_module modules/g, 'load_module /usr/lib/nginx/modules')
    .replaceAll('api write=on;', 'stub_status;')
    .replace('include firmware.conf;', `$& ${regions}`)
    .replace('user nginx;', 'user www-data;')
    .replaceAll('$mqtt_preread_clientid', '$hostname')
    .replace('zone firmware 1m;', `$& ${servers}`)
    .replace(/zone (?!firmware ).* 1m;/g, '$& server 127.0.0.1:1;');
}

/** Starts NGINX with it. Every session on its port 1883 is of a client whose ClientId is the container's host name. */
export async function startPlus(network: TestNetwork, spec: PlusSpec): Promise<Container> {
  const { name, tls, ports, files = {}, firmware, regions } = spec;
  const container = await startContainer({
    image: 'sidekick-gateway',
    name,
    network,
    ports: [...ports],
    files: {
      [`${ROOT}/nginx.conf`]: `load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n${main(firmware, regions)}`,
      ...Object.fromEntries(
        [
          ...[
            'api-access.conf',
            'tls.conf',
            'firmware.conf',
            'firmware-outcomes.conf',
            'firmware-clients.conf',
          ],
          ...['firmware-tries.conf', 'ota.conf'],
        ].map((file) => [`${ROOT}/${file}`, own(file)]),
      ),
      ...Object.fromEntries(
        ['ota', 'download', 'outcomes', 'mqtt_clients'].map((name) => [
          `${ROOT}/njs/${name}.js`,
          read(`dist/gateway/njs/${name}.js`).replaceAll('mqtt_preread_clientid', 'hostname'),
        ]),
      ),
      [`${ROOT}/tls/tls.crt`]: tls.cert.toString(),
      [`${ROOT}/tls/tls.key`]: tls.key.toString(),
      ...Object.fromEntries(Object.entries(files).map(([file, text]) => [`${ROOT}/${file}`, text])),
    },
    command: ['sh', '-c', `${PREPARE} && exec nginx -c ${ROOT}/nginx.conf -g 'daemon off;'`],
  });
  await container.logs.waitFor((line) => line.includes('start worker processes'));
  return container;
}
