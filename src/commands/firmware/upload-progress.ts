import type { PublishProgress } from '../../daemon/firmware/publisher.js';

/** How an upload goes: a bar on a terminal, nothing elsewhere. */
export class UploadProgress implements PublishProgress {
  readonly #terminal: NodeJS.WriteStream | undefined;
  #spread = 'the firmware servers';

  constructor(stream: NodeJS.WritableStream) {
    this.#terminal = (stream as NodeJS.WriteStream).isTTY ? (stream as NodeJS.WriteStream) : undefined;
  }

  /** Which firmware servers are still waited for, to follow "waiting for". */
  get spread(): string {
    return this.#spread;
  }

  uploading(sent: number, total: number): void {
    if (this.#terminal === undefined) return;
    const share = total === 0 ? 1 : sent / total;
    const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.');
    this.#terminal.write(`\r[${bar}] ${Math.floor(share * 100)} % of ${Math.ceil(total / 1024)} kB`);
  }

  spreading(holding: number, servers: number): void {
    this.#spread = `the firmware servers: ${holding} of ${servers} have it`;
  }

  /** Ends the line of the bar. */
  end(): void {
    this.#terminal?.write('\n');
  }
}

/** Characters of the bar. */
const WIDTH = 30;
