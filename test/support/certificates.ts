/** Certificates for tests, made by openssl in a directory of their own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const CONFIGURATION = `
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
[any]
commonName = supplied
`;

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
    writeFileSync(join(this.directory, 'ca.cnf'), CONFIGURATION);
    writeFileSync(join(this.directory, 'index.txt'), '');
    this.ca = this.#read('ca.crt');
  }

  /**
   * Issues a certificate for servers and clients. `names` are its subject's: `DNS:localhost`, `IP:127.0.0.1`. It is good
   * for so many seconds, by default for two days.
   */
  issue(
    name: string,
    names: readonly string[] = ['DNS:localhost', 'IP:127.0.0.1'],
    seconds = 2 * 86_400,
  ): KeyPair {
    this.#openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`],
    );
    writeFileSync(
      join(this.directory, `${name}.ext`),
      `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    // Not `openssl x509`, which counts in whole days.
    const until = new Date(Date.now() + seconds * 1000).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
    this.#openssl(
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-enddate', until],
      ...['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-out', `${name}.crt`],
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
