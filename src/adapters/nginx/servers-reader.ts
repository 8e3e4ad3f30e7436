import type { ActualServer, UpstreamState } from '../../core/ports.js';
import { type ServerReader, UNMANAGED } from './server-codec.js';
import type { ListReader } from './transport.js';

type ReadServer = ActualServer | typeof UNMANAGED;

/** The servers of a group as they were read, and NGINX's own text for each: the next read goes by it. */
export interface ReadServers extends UpstreamState {
  /** All of them, in NGINX's order. */
  readonly listed: readonly ReadServer[];
  /** Their texts, one after the other. */
  readonly texts: Buffer;
  /** Where each text ends. */
  readonly ends: readonly number[];
}

const NOTHING: ReadServers = { servers: [], unmanaged: 0, listed: [], texts: Buffer.alloc(0), ends: [] };

/**
 * Reads the `servers` of a group, without their counters: those that are sidekick's, and how many are not. Of a group of
 * thousands most servers are as they were: what NGINX says again in the same words is recognized by its bytes, and is the same
 * object as before. Ends with undefined where any of it is none of NGINX's answers: a server that was left out would be taken
 * for one that is not there, and added again.
 */
export class ServersReader implements ListReader<ReadServers | undefined> {
  readonly #before: ReadServers;
  readonly #listed: ReadServer[] = [];
  readonly #ends: number[] = [];
  readonly #texts = new Texts();
  readonly #reader: ServerReader;
  /** Which of the servers before is expected to be listed next. */
  #next = 0;
  /** Where each server was listed before, by its id; undefined until it is needed. */
  #places: ReadonlyMap<number, number> | undefined;
  #isBad = false;

  /** @param before What was read of the group before; default: nothing. */
  constructor(reader: ServerReader, before: ReadServers = NOTHING) {
    this.#reader = reader;
    this.#before = before;
  }

  takeKnown(part: Buffer, at: number): number {
    const { listed, texts, ends } = this.#before;
    const server = listed[this.#next];
    const end = ends[this.#next];
    if (server === undefined || end === undefined) return 0;
    const start = ends[this.#next - 1] ?? 0;
    const to = at + end - start;
    if (to > part.length || texts.compare(part, at, to, start, end) !== 0) return 0;
    this.#next++;
    this.#texts.addKnown(texts, start, end);
    this.#list(server);
    return end - start;
  }

  take(text: string): void {
    const server = this.#read(text);
    if (server === undefined) {
      this.#isBad = true;
      return;
    }
    this.#next = this.#placeOf(server) + 1;
    this.#texts.add(text);
    this.#list(server);
  }

  end(rest: unknown, count: number): ReadServers | undefined {
    if (this.#isBad || !Array.isArray(rest) || rest.length !== count) return undefined;
    const servers = this.#listed.filter((server) => server !== UNMANAGED);
    const unmanaged = this.#listed.length - servers.length;
    return { servers, unmanaged, listed: this.#listed, texts: this.#texts.join(), ends: this.#ends };
  }

  #list(server: ReadServer): void {
    this.#listed.push(server);
    this.#ends.push(this.#texts.length);
  }

  #read(text: string): ReadServer | undefined {
    try {
      return this.#reader.read(text, () => JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  /** Where the server was listed before, or would have been. */
  #placeOf(server: ReadServer): number {
    if (server === UNMANAGED || hasId(this.#before.listed[this.#next], server.id)) return this.#next;
    this.#places ??= new Map(
      this.#before.listed.flatMap((each, place) => (each === UNMANAGED ? [] : [[each.id, place] as const])),
    );
    return this.#places.get(server.id) ?? this.#next - 1;
  }
}

function hasId(server: ReadServer | undefined, id: number): boolean {
  return server !== undefined && server !== UNMANAGED && server.id === id;
}

/** Texts one after the other, most of which lie so in another buffer already. */
class Texts {
  readonly #parts: Buffer[] = [];
  #source: Buffer = Buffer.alloc(0);
  /** The part of the source that is taken over next. */
  #from = 0;
  #to = 0;
  #length = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  add(text: string): void {
    this.#flush();
    const bytes = Buffer.from(text);
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  addKnown(source: Buffer, from: number, to: number): void {
    if (source !== this.#source || from !== this.#to) {
      this.#flush();
      this.#source = source;
      this.#from = from;
    }
    this.#to = to;
    this.#length += to - from;
  }

  join(): Buffer {
    const { length } = this.#source;
    // Nothing is different: no second copy is made.
    if (this.#parts.length === 0 && this.#from === 0 && this.#to === length) return this.#source;
    this.#flush();
    return Buffer.concat(this.#parts);
  }

  #flush(): void {
    if (this.#to > this.#from) this.#parts.push(this.#source.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
