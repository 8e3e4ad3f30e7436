import type { ActualServer, UpstreamState } from '../../core/ports.js';
import { parameterReader, readListedServer, UNMANAGED } from './server-codec.js';
import type { ListReader } from './transport.js';

/** What was read of a group, by NGINX's own text for each server, which has its id in it. */
export type ServersByText = ReadonlyMap<string, ActualServer | typeof UNMANAGED>;

interface ServersRead extends UpstreamState {
  readonly byText: ServersByText;
}

/**
 * Reads the `servers` of a group, without their counters: those that are sidekick's, and how many are not. A server of which
 * NGINX says the same as before is the same object as before. Ends with undefined where any of it is none of NGINX's answers:
 * a server that was left out would be taken for one that is not there, and added again.
 */
export class ServersReader implements ListReader<ServersRead | undefined> {
  readonly #before: ServersByText;
  readonly #byText = new Map<string, ActualServer | typeof UNMANAGED>();
  readonly #servers: ActualServer[] = [];
  readonly #parametersOf = parameterReader();
  #unmanaged = 0;
  #isBad = false;

  /** @param before What was read of the group before; default: nothing. */
  constructor(before: ServersByText = new Map()) {
    this.#before = before;
  }

  take(text: string): void {
    const read = this.#before.get(text) ?? this.#read(text);
    if (read === undefined) {
      this.#isBad = true;
      return;
    }
    this.#byText.set(text, read);
    if (read === UNMANAGED) this.#unmanaged++;
    else this.#servers.push(read);
  }

  end(rest: unknown, count: number): ServersRead | undefined {
    if (this.#isBad || !Array.isArray(rest) || rest.length !== count) return undefined;
    return { servers: this.#servers, unmanaged: this.#unmanaged, byText: this.#byText };
  }

  #read(text: string): ActualServer | typeof UNMANAGED | undefined {
    try {
      return readListedServer(JSON.parse(text), this.#parametersOf);
    } catch {
      return undefined;
    }
  }
}
