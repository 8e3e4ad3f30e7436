import type { PublishProgress } from '../../daemon/firmware/publisher.js';
import { nameList } from '../not-found.js';

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

  spreading(waitingFor: readonly string[], servers: number): void {
    const holding = servers - waitingFor.length;
    const others = waitingFor.length === 0 ? '' : `; ${nameList(waitingFor)} not yet`;
    this.#spread = `the firmware servers: ${holding} of ${servers} have it${others}`;
  }

  /** Ends the line of the bar. */
  end(): void {
    this.#terminal?.write('\n');
  }
}

/** Characters of the bar. */
const WIDTH = 30;
