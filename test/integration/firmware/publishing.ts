/** What a publisher needs: an etcd, an upload server in this process, and a directory for images and keys. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Output, runCommand } from '../../support/command-line.js';
import { type Etcd, startEtcd, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { HOLDS_ALL } from '../../support/firmware-registration.js';
import { UploadServer } from '../../support/upload-server.js';

export class Publishing {
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'publishing-'));

  private constructor(
    readonly etcd: Etcd,
    readonly upload: UploadServer,
    readonly network: TestNetwork,
  ) {}

  static async start(): Promise<Publishing> {
    const network = await startNetwork();
    const [etcd, upload] = await Promise.all([startEtcd(network), UploadServer.start()]);
    return new Publishing(etcd, upload, network);
  }

  async close(): Promise<void> {
    this.upload.close();
    await this.network.remove();
    rmSync(this.#directory, { recursive: true });
  }

  /** For commands. */
  get environment(): Readonly<Record<string, string>> {
    return { SIDEKICK_ETCD_ENDPOINTS: this.etcd.url };
  }

  /** Registers a firmware server whose sidekick has every file that is published. */
  holdsAll(address: string): Promise<void> {
    return this.etcd.put(`/services/firmware/${address}`, HOLDS_ALL);
  }

  /** Where a file of the directory is. */
  path(name: string): string {
    return path.join(this.#directory, name);
  }

  /** Writes a file of the directory, and returns where it is. */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** The arguments of `sidekick firmware` that publish a file. */
  publish(file: string, type: string, version: string): readonly string[] {
    return ['publish', file, '--type', type, '--version', version, '--upload-url', this.upload.url];
  }

  /** Runs `sidekick firmware …`. */
  run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Output> {
    return runCommand(['firmware', ...args], { ...this.environment, ...environment });
  }
}
