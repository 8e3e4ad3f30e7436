/** One NGINX that devices ask, in memory: its dictionaries, its keyval zone, and its clock. */
import { type Answer, answer } from '../../../../src/firmware/shared/answer.js';
import {
  type Catalogue,
  type CatalogueOptions,
  encode,
  noOptions,
  type Offer,
  typeKey,
} from '../../../../src/firmware/shared/catalogue.js';
import * as transfers from '../../../../src/firmware/shared/download.js';
import * as flights from '../../../../src/firmware/shared/flights.js';
import * as file from '../../../../src/firmware/shared/flights-file.js';
import * as memories from '../../../../src/firmware/shared/memory.js';
import type { Store } from '../../../../src/firmware/shared/offering.js';
import * as report from '../../../../src/firmware/shared/outcome-report.js';
import * as sweeping from '../../../../src/firmware/shared/sweep.js';
import { FakeDict, sha256 } from '../../gateway/support/memory.js';

export type Counts = Readonly<Record<string, number>>;

export interface Report {
  readonly epoch: string;
  readonly sample: number;
  readonly flights: number;
  readonly downloads: number;
  readonly counts: Readonly<Record<string, Readonly<Record<string, Counts>>>>;
  readonly shadow: Readonly<Record<string, Readonly<Record<string, Counts>>>>;
}

/** A release whose hashes are of one digit each. */
export function offer(version: string, digit: string): Offer {
  const sha = digit.repeat(64);
  return {
    version,
    sha256: sha,
    md5: digit.repeat(32),
    size: 1000,
    appSha256: `f${digit.repeat(63)}`,
    esp32fota: `{"type":"lamp","version":"${version}","url":"https://ota/blobs/${sha}.bin","sha256":"${sha}"}`,
    esphome: `{"name":"lamp","version":"${version}","builds":[{"ota":{"path":"/blobs/${sha}.bin"}}]}`,
  };
}

export const STABLE = offer('1.0.0', 'a');
export const CANDIDATE = offer('1.1.0', 'b');

export class Edge {
  readonly flights = new FakeDict<string>();
  readonly counts = new FakeDict<number>();
  /** The file that its devices and counters are in, and the one that is being written in its place. */
  disk: string;
  #fresh: string | undefined;
  readonly memory: memories.Memory = {
    flights: this.flights,
    counts: this.counts,
    journal: (lines) => {
      if (this.#fresh !== undefined) this.#fresh += lines;
      this.disk += lines;
    },
  };
  readonly zone = new Map<string, string>();
  readonly store: Store = { get: (key) => this.zone.get(key), digest: sha256, memory: this.memory };
  limit = 20_000;

  /** `saved`: what the file of an earlier life holds. */
  constructor(saved = '') {
    this.disk = saved;
    this.counts.set(memories.LIMIT, this.limit);
    file.restore(this.memory, saved, this.limit);
    if (memories.timeOf(this.memory) === undefined) this.counts.set(memories.NOW, 0);
  }

  /** The same NGINX after it was killed: only the file is left. */
  restarted(): Edge {
    const next = new Edge(this.disk);
    for (const [key, value] of this.zone) next.zone.set(key, value);
    return next;
  }

  /** Writes its file anew. `meanwhile`: what happens when half of its devices are written. */
  save(meanwhile: () => void = () => {}): this {
    const [head, tail] = [memories.HEAD, memories.TAIL].map((key) => memories.numberOf(this.memory, key));
    const [first, end] = [(head as number) + 1, tail as number];
    this.#fresh = '';
    let text = file.head(this.memory);
    for (let i = first; i <= end; i++) {
      if (i - first === Math.floor((end - first) / 2)) meanwhile();
      text += file.line(this.memory, i);
    }
    // NGINX writes some kilobytes at a time: what is appended may stand before what was true earlier.
    const [begin, ...rest] = text.split(/(?<=\n)/);
    this.disk = begin + this.#fresh + rest.join('') + file.tail(this.memory);
    this.#fresh = undefined;
    return this;
  }

  /** What the watcher has written of the type `lamp`. */
  offer(options: Partial<CatalogueOptions> = {}, change: Partial<Catalogue> = {}): this {
    const value: Catalogue = {
      ...{ revision: 1, buckets: 10_000, salt: 's', downgrade: false, groups: [] },
      stable: STABLE,
      candidate: CANDIDATE,
      options: { ...noOptions(), count: true, interval: 100, ...options },
      ...change,
    };
    this.zone.set(typeKey('lamp'), encode(value));
    return this;
  }

  /** A device asks at a path, by default for its manifest. */
  ask(query: string, path = '/ota', headers: Readonly<Record<string, string>> = {}, region = ''): Answer {
    const request = {
      ...{
        method: 'GET',
        path,
        query: path.split('/').length > 3 ? query : `type=lamp&${query}`,
        https: true,
        certificate: '',
        region,
      },
      header: (name: string) => headers[name],
    };
    return answer(request, this.store);
  }

  /** All of a file goes out to a device. */
  download(id: string, sha = CANDIDATE.sha256, type = 'lamp'): void {
    const key = transfers.deviceOf(`${type}%2F${id}`);
    if (transfers.isLastByteSent({ status: 200, bytes: 9, length: '9', range: '' }))
      flights.download(this.memory, key, sha);
  }

  /** Lets the time pass, in seconds, and does the periodic work; `entries` as of {@link sweeping.sweep}. */
  pass(seconds: number, entries = 1_000_000): void {
    for (let rest = seconds; rest > 0; rest -= 5) sweeping.advance(this.memory, Math.min(rest, 5));
    sweeping.sweep(this.memory, { digest: sha256, isFull: false }, entries);
  }

  report(): Report {
    return JSON.parse(report.render(this.memory)) as Report;
  }

  /** What is counted of the candidate, without what is 0. */
  counted(): Counts {
    const all = this.report().counts.lamp?.[CANDIDATE.version] ?? {};
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
  }
}

/** What device `one` asks before its update, and after. */
export const OLD = 'id=one&version=1.0.0';
export const NEW = 'id=one&version=1.1.0';

/** An NGINX whose device `one` has been told of the candidate. */
export function offered(): Edge {
  const edge = new Edge().offer();
  edge.ask(OLD);
  return edge;
}

/** An NGINX whose device `one` has fetched the candidate. */
export function downloaded(): Edge {
  const edge = offered();
  edge.download('one');
  return edge;
}
