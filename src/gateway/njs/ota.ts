/**
 * njs module: answers devices that ask for firmware. The gateway and NGINX Plus both use it; where it reads the keyval zone
 * is all that differs.
 */

// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';
import * as answers from '../../firmware/shared/answer.js';
import * as catalogue from '../../firmware/shared/catalogue.js';
import * as certificates from '../../firmware/shared/certificate.js';
import * as zones from '../store/keyval-zone.js';
import type { StringDict } from '../store/platform.js';

/** The location that sends the file which `$firmware_file` names. */
const FILE = '@firmware_file';

function digest(text: string): Uint8Array {
  return crypto.createHash('sha256').update(text).digest();
}

/** A value of the zone in NGINX Plus, whose variables `keyval` fills: each by a key of its own, since each is read once. */
function getFromPlus(variables: NginxVariables, key: string): string | undefined {
  if (key === catalogue.READY_KEY) return variables.firmware_ready || undefined;
  if (key.indexOf('/') < 0) {
    variables.firmware_type = key;
    return variables.firmware_catalogue || undefined;
  }
  variables.firmware_member = key;
  return variables.firmware_groups || undefined;
}

/** `js_content`: answers, or has the file sent. */
function answer(r: NginxHTTPRequest): void {
  const variables = r.variables;
  const headers = r.headersIn;
  const dict = (ngx.shared as unknown as { http_keyvals?: StringDict }).http_keyvals;
  const request = {
    method: r.method,
    path: r.uri,
    query: variables.args || '',
    header: (name: string) => headers[name],
    https: variables.https === 'on',
    certificate: certificates.nameOf(variables.ssl_client_verify || '', variables.ssl_client_s_dn || ''),
  };
  const get =
    dict === undefined
      ? (key: string) => getFromPlus(variables, key)
      : (key: string) => zones.getLasting(dict, catalogue.ZONE, key);
  const given = answers.answer(request, { get: get, digest: digest });
  const names = Object.keys(given.headers);
  for (let i = 0; i < names.length; i++)
    r.headersOut[names[i] as string] = given.headers[names[i] as string] as string;
  if (given.file === '') {
    r.return(given.status, given.body);
    return;
  }
  variables.firmware_file = given.file;
  r.internalRedirect(FILE);
}

export default { answer };
