/** The name in a client's certificate. NGINX runs this as well: see version.ts for what njs lacks. */

/** The name of a certificate whose subject names nobody for sure: no device has it for its id. */
const NAMELESS = '?';

const COMMON_NAME = /(?:^|[^\\],)CN=([^,+\\]+)(?:,|$)/;

/**
 * The common name in a certificate that NGINX has checked; `''` where there is none. `verify` and `subject` are NGINX's
 * `$ssl_client_verify` and `$ssl_client_s_dn` (RFC 2253). A subject in which `CN=` is there twice, or with an escaped
 * character in the name, names nobody.
 */
export function nameOf(verify: string, subject: string): string {
  if (verify !== 'SUCCESS') return '';
  const found = subject.match(COMMON_NAME);
  if (found === null || subject.indexOf('CN=') !== subject.lastIndexOf('CN=')) return NAMELESS;
  return found[1] as string;
}
