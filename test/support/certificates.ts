/** Certificates for tests, made by openssl in a directory of their own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A certificate authority. */
export class Authority implements Disposable {
  /** Where the files are: `ca.crt`, and `<name>.crt` and `<name>.key` for each certificate issued. */
  readonly directory = mkdtempSync(join(tmpdir(), 'sidekick-ca-'));
  readonly ca: Buffer;

  constructor() {
    this.#openssl(
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=sidekick test authority', '-keyout', 'ca.key', '-out', 'ca.crt'],
    );
    this.ca = this.#read('ca.crt');
  }

  /** Issues a certificate for servers and clients. `names` are its subject's: `DNS:localhost`, `IP:127.0.0.1`. */
  issue(name: string, names: readonly string[] = ['DNS:localhost', 'IP:127.0.0.1']): KeyPair {
    this.#openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`],
    );
    writeFileSync(
      join(this.directory, `${name}.ext`),
      `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    this.#openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
    return { cert: this.#read(`${name}.crt`), key: this.#read(`${name}.key`) };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #read(name: string): Buffer {
    return readFileSync(join(this.directory, name));
  }
}
