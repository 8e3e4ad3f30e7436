import { type Address, parseAddress } from '../../core/address.js';
import { isObject } from '../../core/bounded-json.js';
import { defined } from '../../core/defined.js';
import type { PeerTraffic } from '../../core/ports.js';
import { isId } from './server-codec.js';
import type { ListReader } from './transport.js';

type Peer = Readonly<Record<string, unknown>>;

/** What the group's `peers` say of one server. */
interface PeerStatus {
  readonly active?: number;
  readonly failing: boolean;
}

/** Where a peer's id is in NGINX's text. */
const ID = /^\{\s*"id"\s*:\s*(\d+)\s*[,}]/;

/**
 * Reads the status of some peers of a group by id. The others, which may be thousands, are passed over unread.
 * @param ids The servers whose status is read.
 */
export function statusReader(ids: ReadonlySet<number>): PeersReader<ReadonlyMap<number, PeerStatus>> {
  const statuses = new Map<number, PeerStatus>();
  return new PeersReader(
    statuses,
    (peer) => {
      if (!isId(peer.id)) return false;
      if (ids.has(peer.id)) statuses.set(peer.id, statusOf(peer));
      return true;
    },
    (text) => {
      const id = ID.exec(text)?.[1];
      return id === undefined || ids.has(Number(id));
    },
  );
}

/** `last_passed` shows a dead server even where `state` says only `down` or `draining`. */
function statusOf({ state, active, health_checks }: Peer): PeerStatus {
  const checks = isObject(health_checks) ? health_checks : {};
  const failing = state === 'unhealthy' || state === 'unavail' || checks.last_passed === false;
  return { failing, ...(typeof active === 'number' ? { active } : {}) };
}

/**
 * Reads the counters of a group's peers by address. A peer of http counts `requests`, one of stream `connections`. Peers
 * without an address, such as Unix sockets, are left out.
 */
export function trafficReader(): PeersReader<ReadonlyMap<Address, PeerTraffic>> {
  const traffic = new Map<Address, PeerTraffic>();
  return new PeersReader(traffic, (peer) => {
    const address = typeof peer.server === 'string' ? parseAddress(peer.server) : undefined;
    if (!address?.ok) return true;
    const before = traffic.get(address.value);
    traffic.set(
      address.value,
      defined({
        active: sum(before?.active, count(peer.active)),
        total: sum(before?.total, count(peer.requests) ?? count(peer.connections)),
      }),
    );
    return true;
  });
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : a + (b ?? 0);
}

/** Reads `peers` of a group, one by one. Ends with undefined where they are none of NGINX's answers. */
export class PeersReader<T> implements ListReader<T | undefined> {
  readonly #result: T;
  readonly #take: (peer: Peer) => boolean;
  readonly #isWanted: (text: string) => boolean;
  #isBad = false;

  /**
   * @param result What the peers are read into.
   * @param take Takes in one peer. False where it is none of NGINX's answers.
   * @param isWanted Whether the peer with this text is read at all; default: every one is.
   */
  constructor(result: T, take: (peer: Peer) => boolean, isWanted: (text: string) => boolean = () => true) {
    this.#result = result;
    this.#take = take;
    this.#isWanted = isWanted;
  }

  take(text: string): void {
    if (this.#isWanted(text) && !this.#read(text)) this.#isBad = true;
  }

  end(rest: unknown, count: number): T | undefined {
    const isGood = isObject(rest) && Array.isArray(rest.peers) && rest.peers.length === count;
    return isGood && !this.#isBad ? this.#result : undefined;
  }

  #read(text: string): boolean {
    try {
      const peer: unknown = JSON.parse(text);
      return isObject(peer) && this.#take(peer);
    } catch {
      return false;
    }
  }
}
