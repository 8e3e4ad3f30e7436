/** Certificates and the token of the demonstration, made anew for each run. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Authority } from '../support/certificates.js';
import type { FirmwareAccess } from '../support/containers/cluster.js';
import { rsaKey } from '../support/firmware-image.js';

const TOKEN = 'token-of-the-demonstration';

/** The authority that devices and publishers trust, and what it and the operator have in its directory. */
export class Access implements Disposable {
  readonly authority = new Authority();
  readonly cluster: FirmwareAccess = {
    gateway: this.authority.issue('gateway'),
    upload: { certificate: this.authority.issue('firmware'), token: TOKEN },
  };
  /** With which images are signed for esp32FOTA. */
  readonly signingKey = rsaKey(3072);
  /** Paths of the authority's certificate, the upload token and the signing key. */
  readonly files = {
    ca: path.join(this.authority.directory, 'ca.crt'),
    token: path.join(this.authority.directory, 'upload.token'),
    key: path.join(this.authority.directory, 'signing.pem'),
  };

  constructor() {
    writeFileSync(this.files.token, `${TOKEN}\n`);
    writeFileSync(this.files.key, this.signingKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  }

  [Symbol.dispose](): void {
    this.authority[Symbol.dispose]();
  }
}
