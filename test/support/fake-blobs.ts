/** Firmware servers in memory: their files, and what the network between them does. */
import { createHash } from 'node:crypto';
import type { Address } from '../../src/core/address.js';
import type { BlobPeers, BlobStore, PeerContent, StoredFile } from '../../src/firmware/ports.js';

export function sha256Of(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The directory of one firmware server. */
export class FakeBlobs implements BlobStore {
  readonly files = new Map<string, { content: Buffer; mtime: number }>();
  readonly partials = new Map<string, Buffer>();
  space = Number.POSITIVE_INFINITY;
  /** What every call rejects with. */
  fault: Error | undefined;

  put(content: string | Uint8Array, mtime = 0): string {
    const sha256 = sha256Of(content);
    this.files.set(sha256, { content: Buffer.from(content), mtime });
    return sha256;
  }

  list(): Promise<readonly StoredFile[]> {
    return this.#answer(() =>
      [...this.files].map(([sha256, { content, mtime }]) => ({ sha256, size: content.length, mtime })),
    );
  }

  digest(sha256: string): Promise<string> {
    return this.#answer(() => sha256Of(this.files.get(sha256)?.content ?? ''));
  }

  partial(sha256: string): Promise<number> {
    return this.#answer(() => this.partials.get(sha256)?.length ?? 0);
  }

  async append(sha256: string, offset: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    let kept = (this.partials.get(sha256) ?? Buffer.alloc(0)).subarray(0, offset);
    this.partials.set(sha256, kept);
    for await (const chunk of content) {
      kept = Buffer.concat([kept, chunk]);
      this.partials.set(sha256, kept);
    }
  }

  complete(sha256: string, mtime: number): Promise<boolean> {
    return this.#answer(() => {
      const content = this.partials.get(sha256) ?? Buffer.alloc(0);
      this.partials.delete(sha256);
      if (sha256Of(content) !== sha256) return false;
      this.files.set(sha256, { content, mtime });
      return true;
    });
  }

  setMtime(sha256: string, mtime: number): Promise<void> {
    return this.#answer(() => {
      const file = this.files.get(sha256);
      if (file) file.mtime = mtime;
    });
  }

  remove(sha256: string): Promise<void> {
    return this.#answer(() => void this.files.delete(sha256));
  }

  free(): Promise<number> {
    return this.#answer(() => this.space);
  }

  async #answer<T>(answer: () => T): Promise<T> {
    await Promise.resolve();
    if (this.fault) throw this.fault;
    return answer();
  }
}

/** Other firmware servers by their address. */
export class FakePeers implements BlobPeers {
  readonly servers = new Map<Address, FakeBlobs>();
  /** Every request: address and offset. */
  readonly requests: [Address, number][] = [];
  /** After so many bytes each answer breaks off. */
  breakAfter = Number.POSITIVE_INFINITY;
  /** What each answer's content is turned into. */
  spoil = (content: Buffer): Buffer => content;

  async fetch(server: Address, sha256: string, offset: number): Promise<PeerContent | undefined> {
    this.requests.push([server, offset]);
    const blobs = this.servers.get(server);
    if (blobs === undefined) throw new Error('connection refused');
    const content = blobs.files.get(sha256)?.content;
    if (content === undefined) return undefined;
    return { offset, content: this.#send(this.spoil(content).subarray(offset)) };
  }

  async *#send(content: Buffer): AsyncGenerator<Uint8Array> {
    yield content.subarray(0, this.breakAfter);
    if (content.length > this.breakAfter) throw new Error('connection reset');
  }
}
