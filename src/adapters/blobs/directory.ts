import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  constants,
  copyFile,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  utimes,
} from 'node:fs/promises';
import path from 'node:path';
import type { BlobStore, StoredFile } from '../../firmware/ports.js';

const FILE = /^([0-9a-f]{64})\.bin$/;

/** Readable for the web server, whoever writes it, and whatever the umask is. */
const MODE = 0o644;

/** Firmware files in a directory that NGINX serves as `/blobs/`; those that are being fetched are in `.partial/` in it. */
export class BlobDirectory implements BlobStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async list(): Promise<readonly StoredFile[]> {
    const found: StoredFile[] = [];
    for (const name of await readdir(this.#directory)) {
      const sha256 = FILE.exec(name)?.[1];
      if (sha256 === undefined) continue;
      const { size, mtimeMs } = await stat(this.#path(sha256));
      found.push({ sha256, size, mtime: Math.floor(mtimeMs / 1000) });
    }
    return found;
  }

  digest(sha256: string, signal: AbortSignal): Promise<string> {
    return digestOf(this.#path(sha256), signal);
  }

  async partial(sha256: string): Promise<number> {
    try {
      return (await stat(this.#partial(sha256))).size;
    } catch (error) {
      if (isMissing(error)) return 0;
      throw error;
    }
  }

  async append(sha256: string, offset: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    await mkdir(path.dirname(this.#partial(sha256)), { recursive: true });
    const file = await open(this.#partial(sha256), offset === 0 ? 'w' : 'r+');
    try {
      await file.truncate(offset);
      let at = offset;
      for await (const chunk of content) {
        await file.write(chunk, 0, chunk.length, at);
        at += chunk.length;
      }
    } finally {
      await file.close();
    }
  }

  async complete(sha256: string, mtime: number, signal: AbortSignal): Promise<boolean> {
    const partial = this.#partial(sha256);
    if ((await digestOf(partial, signal)) !== sha256) {
      await rm(partial, { force: true });
      return false;
    }
    await this.#place(sha256, mtime);
    return true;
  }

  /** By a copy that takes the file's place: only its owner may set a file's mtime, and that is who uploaded it. */
  async setMtime(sha256: string, mtime: number): Promise<void> {
    await mkdir(path.dirname(this.#partial(sha256)), { recursive: true });
    await copyFile(this.#path(sha256), this.#partial(sha256), constants.COPYFILE_FICLONE);
    await this.#place(sha256, mtime);
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.#path(sha256), { force: true });
  }

  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#directory);
    return bavail * bsize;
  }

  /** Puts a file that has been written in place, on disk for good. */
  async #place(sha256: string, mtime: number): Promise<void> {
    const partial = this.#partial(sha256);
    await chmod(partial, MODE);
    await utimes(partial, mtime, mtime);
    await sync(partial);
    await rename(partial, this.#path(sha256));
    await sync(this.#directory);
  }

  #path(sha256: string): string {
    return path.join(this.#directory, `${sha256}.bin`);
  }

  #partial(sha256: string): string {
    return path.join(this.#directory, '.partial', `${sha256}.bin`);
  }
}

async function digestOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Waits until a file's content, or a directory's entries, are on disk. */
async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
