/** An etcd that asks for client certificates, with users and roles. */
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../../src/adapters/etcd/options.js';
import { Authority } from '../certificates.js';
import { type Container, startContainer, type TestNetwork, until } from '../containers/index.js';
import { NEVER } from './harness.js';

const PORT = 2379;

// The certificates come by the environment: the container has no files of the host's.
const SCRIPT = `
mkdir -p /tmp/tls && cd /tmp/tls
printf %s "$CA" > ca.crt; printf %s "$CERT" > server.crt; printf %s "$KEY" > server.key
exec etcd --listen-client-urls=https://0.0.0.0:${PORT} --advertise-client-urls=https://127.0.0.1:${PORT} \
  --trusted-ca-file=ca.crt --cert-file=server.crt --key-file=server.key --client-cert-auth \
  --unsafe-no-fsync --logger=zap --log-level=warn --auth-token-ttl=2`;

export class SecureEtcd {
  readonly #container: Container;
  readonly authority: Authority;

  private constructor(container: Container, authority: Authority) {
    this.#container = container;
    this.authority = authority;
  }

  static async start(network: TestNetwork): Promise<SecureEtcd> {
    const authority = new Authority();
    const { cert, key } = authority.issue('server');
    authority.issue('root');
    const container = await startContainer({
      image: 'sidekick-etcd',
      name: 'secure-etcd',
      network,
      entrypoint: ['sh', '-c', SCRIPT],
      // The image's own value of the variable would be the address without TLS, and is the weaker of the two.
      environment: { CA: authority.ca.toString(), CERT: cert.toString(), KEY: key.toString() },
      ports: [PORT],
    });
    const etcd = new SecureEtcd(container, authority);
    const connection = connectEtcd(etcd.options('root'));
    await until('etcd answers', () => connection.store.list('/', NEVER));
    connection.close();
    return etcd;
  }

  get endpoint(): string {
    return `https://127.0.0.1:${this.#container.port(PORT)}`;
  }

  /** To connect with the certificate of this name, which is issued for it. */
  options(commonName: string, options: Partial<EtcdOptions> = {}): EtcdOptions {
    const tls = { ca: this.authority.ca, ...this.authority.issue(commonName) };
    return { endpoints: [this.endpoint], tls, ...options };
  }

  /** `etcdctl` as root: by the certificate's name, or by password where the certificate says somebody else. */
  async ctl(...args: string[]): Promise<string> {
    const { cert, key } = this.authority.issue('root');
    const script = `cd /tmp && printf %s "$1" > root.crt && printf %s "$2" > root.key && shift 2 && exec etcdctl \
      --endpoints=https://127.0.0.1:${PORT} --cacert=tls/ca.crt --cert=root.crt --key=root.key "$@"`;
    const command = ['sh', '-c', script, 'etcdctl', cert.toString(), key.toString(), ...args];
    const { exitCode, output, stdout } = await this.#container.exec(command);
    if (exitCode !== 0) throw new Error(`etcdctl ${args.join(' ')} ended with ${exitCode}: ${output}`);
    return stdout;
  }
}
