/** njs module: counts downloads of firmware, on the gateway and on NGINX Plus. */
import * as admission from '../../firmware/shared/admission.js';
import * as catalogues from '../../firmware/shared/catalogue.js';
import * as transfers from '../../firmware/shared/download.js';
import * as flights from '../../firmware/shared/flights.js';
import * as stores from './firmware-store.js';

/**
 * `js_set` when the request of a file begins: counts the download in, and gives it the rate of its type. With the value,
 * {@link leave} counts it out.
 */
function enter(r: NginxHTTPRequest): string {
  const memory = stores.memoryOf(r.variables);
  if (memory === undefined || r.method !== 'GET') return '';
  const variables = r.variables;
  const store = stores.storeOf(variables);
  const device = transfers.deviceOf(variables.arg_device);
  // Behind /ota, the answer has set these.
  if (!variables.firmware_file && device !== '') {
    variables.firmware_device = device;
    const value = store.get(catalogues.typeKey(flights.typeOf(device)));
    const catalogue = value === undefined ? undefined : catalogues.decode(value);
    if (catalogue !== undefined && catalogue.options.rate > 0)
      variables.firmware_rate = String(catalogue.options.rate);
  }
  return admission.begin(memory, process.pid, admission.carrierOf(store, variables.firmware_region || ''));
}

/** `js_set` in the log phase: counts the download out. The value is empty, so that an access_log with `if=` writes nothing. */
function leave(r: NginxHTTPRequest): string {
  const variables = r.variables;
  const entered = variables.firmware_download;
  const memory = stores.memoryOf(r.variables);
  if (!entered || memory === undefined) return '';
  admission.end(memory, entered);
  const device = variables.firmware_device;
  if (!device || variables.request_completion !== 'OK') return '';
  const sent = {
    status: r.status,
    bytes: Number(variables.body_bytes_sent),
    length: variables.sent_http_content_length || '',
    range: variables.sent_http_content_range || '',
  };
  if (transfers.isLastByteSent(sent)) flights.download(memory, device, transfers.fileOf(r.uri));
  return '';
}

export default { enter, leave };
