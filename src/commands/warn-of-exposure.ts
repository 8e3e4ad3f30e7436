import { isExposed } from '../adapters/nginx/location.js';
import type { NginxApiOptions } from '../adapters/nginx/options.js';
import type { Log } from '../core/ports.js';

/** Warns of each NGINX whose password or token everybody on the way can read. */
export function warnOfExposure(log: Log, nginx: readonly NginxApiOptions[]): void {
  for (const { name, url, auth } of nginx) {
    if (!auth || !isExposed(url)) continue;
    log.warn(
      { event: 'credential-exposed', nginx: name, api: url },
      'the password or token goes over plain http, where it can be read on the way: use https, or the Unix socket of an NGINX on this host',
    );
  }
}
