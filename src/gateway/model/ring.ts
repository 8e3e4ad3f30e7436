/**
 * Consistent hashing. Servers have points on a circle of 32 bits; a key belongs to the server whose point
 * follows it. The circle is flattened into equal buckets, so that a lookup is one array access.
 * Everything depends on addresses and weights alone: every worker, and a restarted NGINX, agree.
 */

/** Buckets of the flattened circle. A key's is that of the first 13 bits of its SHA-256: balance/quick.ts. */
export const BUCKETS = 8192;
/** Points of a server of weight 1: enough for ten servers to stay within a fifth of their fair share. */
const POINTS = 1024;
/** All points together; beyond it every server gets fewer, in proportion. It bounds the time of a rebuild. */
const MAX_POINTS = 49152;

/** SHA-256 of a text. */
export type Digest = (text: string) => Uint8Array;

/** One server on the circle. */
export interface Member {
  server: string;
  weight: number;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 16777216 +
    (bytes[at + 1] as number) * 65536 +
    (bytes[at + 2] as number) * 256 +
    (bytes[at + 3] as number)
  );
}

/** How many points each member has. */
function pointCounts(members: Member[]): number[] {
  let total = 0;
  for (let i = 0; i < members.length; i++) total += (members[i] as Member).weight * POINTS;
  const scale = total > MAX_POINTS ? MAX_POINTS / total : 1;
  return members.map((member) => Math.max(1, Math.floor(member.weight * POINTS * scale)));
}

/** All points in order, each as point × 2^16 + index of its member (48 bits, exact in a double). */
function points(members: Member[], digest: Digest): Float64Array {
  const counts = pointCounts(members);
  const all = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
  let used = 0;
  for (let m = 0; m < members.length; m++) {
    const server = (members[m] as Member).server;
    const count = counts[m] as number;
    let bytes = digest(`${server}#0`);
    for (let p = 0; p < count; p++) {
      if (p > 0 && p % 8 === 0) bytes = digest(`${server}#${p / 8}`);
      all[used++] = word(bytes, (p % 8) * 4) * 65536 + m;
    }
  }
  return all.sort();
}

/** The flattened circle: for each bucket the index of the member that owns it. Empty without members. */
export function table(members: Member[], digest: Digest): number[] {
  if (members.length === 0) return [];
  // Equal points of two servers must fall to the same one whatever order they were added in.
  const order = members.map((_, i) => i);
  order.sort((a, b) => ((members[a] as Member).server < (members[b] as Member).server ? -1 : 1));
  const all = points(
    order.map((i) => members[i] as Member),
    digest,
  );
  const owners: number[] = [];
  let next = 0;
  for (let b = 0; b < BUCKETS; b++) {
    const start = b * (4294967296 / BUCKETS) * 65536;
    while (next < all.length && (all[next] as number) < start) next++;
    const point = all[next < all.length ? next : 0] as number;
    owners.push(order[point % 65536] as number);
  }
  return owners;
}
