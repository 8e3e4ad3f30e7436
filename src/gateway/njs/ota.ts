/** njs module: answers devices that ask for firmware, on the gateway and on NGINX Plus. */
import * as answers from '../../firmware/shared/answer.js';
import * as certificates from '../../firmware/shared/certificate.js';
import * as stores from './firmware-store.js';

/** The location that sends the file which `$firmware_file` names. */
const FILE = '@firmware_file';

/** `js_content`: answers, or has the file sent. */
function answer(r: NginxHTTPRequest): void {
  const variables = r.variables;
  const headers = r.headersIn;
  const request = {
    method: r.method,
    path: r.uri,
    query: variables.args || '',
    header: (name: string) => headers[name],
    https: variables.https === 'on',
    certificate: certificates.nameOf(variables.ssl_client_verify || '', variables.ssl_client_s_dn || ''),
    region: variables.firmware_region || '',
  };
  const given = answers.answer(request, stores.storeOf(variables));
  const names = Object.keys(given.headers);
  for (let i = 0; i < names.length; i++)
    r.headersOut[names[i] as string] = given.headers[names[i] as string] as string;
  if (given.file === '') {
    r.return(given.status, given.body);
    return;
  }
  variables.firmware_file = given.file;
  variables.firmware_device = given.device;
  if (given.rate > 0) variables.firmware_rate = String(given.rate);
  r.internalRedirect(FILE);
}

export default { answer };
