/**
 * Consistent hashing. Servers have points on a circle of 32 bits; a key belongs to the server whose point
 * follows it. The circle is flattened into equal buckets, so that a lookup is one array access.
 * Everything depends on addresses and weights alone: every worker, and a restarted NGINX, agree.
 */
import type { Step } from './steps.js';
import * as steps from './steps.js';

/** Buckets of the flattened circle. A key's is that of the first 13 bits of its SHA-256: balance/quick.ts. */
export const BUCKETS = 8192;
/** Points of a server of weight 1: enough for ten servers to stay within a fifth of their fair share. */
const POINTS_PER_WEIGHT = 1024;
/** All points together; beyond it every server gets fewer, in proportion. It bounds the time of a rebuild. */
const MAX_POINTS = 49152;
/** A server's points come in blocks of so many digests, and a digest has eight points. */
export const BLOCK = 128;
const BLOCK_POINTS = 1024;
/** Points that a step looks at: some hundred microseconds in njs. */
const STEP_SIZE = 512;

/** SHA-256 of a text. */
export type Digest = (text: string) => Uint8Array;

/** One server on the circle. */
export interface WeightedServer {
  server: string;
  weight: number;
}

/** The digests of one block of a member's points, one behind the other: at least as many as are asked for. */
export type PointSource = (member: number, block: number, digests: number) => Uint8Array;

/** Works out a block of the points of a server. */
export function computePoints(server: string, block: number, digests: number, digest: Digest): Uint8Array {
  const bytes = new Uint8Array(digests * 32);
  for (let i = 0; i < digests; i++) bytes.set(digest(`${server}#${block * BLOCK + i}`), i * 32);
  return bytes;
}

/** How many points each member has. */
function pointCounts(members: WeightedServer[]): number[] {
  let total = 0;
  for (let i = 0; i < members.length; i++) total += (members[i] as WeightedServer).weight * POINTS_PER_WEIGHT;
  const scale = total > MAX_POINTS ? MAX_POINTS / total : 1;
  return members.map((member) => Math.max(1, Math.floor(member.weight * POINTS_PER_WEIGHT * scale)));
}

/** Lays out the flattened circle at the end of `owners`: for each bucket the index of the member that owns it. */
export function buildBuckets(members: WeightedServer[], pointsOf: PointSource, owners: number[]): Step {
  /** The first point of each bucket, and whose it is: -1 where there is none. */
  const first = new Float64Array(BUCKETS);
  const owner = new Int16Array(BUCKETS);
  let counts: number[] = [];
  let member = 0;
  let point = 0;
  let block: Uint8Array = new Uint8Array(0);

  /** Equal points of two servers must fall to the same one whatever order they were added in. */
  function precedes(m: number, value: number, bucket: number): boolean {
    const other = owner[bucket] as number;
    if (other < 0 || value !== (first[bucket] as number))
      return other < 0 || value < (first[bucket] as number);
    return (members[m] as WeightedServer).server < (members[other] as WeightedServer).server;
  }

  function place(at: number): void {
    const high = (block[at] as number) * 256 + (block[at + 1] as number);
    const value = high * 65536 + (block[at + 2] as number) * 256 + (block[at + 3] as number);
    const bucket = high >> 3;
    if (!precedes(member, value, bucket)) return;
    first[bucket] = value;
    owner[bucket] = member;
  }

  function placeSome(): boolean {
    const count = counts[member] as number;
    const start = point % BLOCK_POINTS;
    if (start === 0)
      block = pointsOf(member, point / BLOCK_POINTS, Math.ceil(Math.min(BLOCK_POINTS, count - point) / 8));
    const some = Math.min(STEP_SIZE, count - point);
    for (let i = 0; i < some; i++) place((start + i) * 4);
    point += some;
    if (point >= count) {
      member += 1;
      point = 0;
    }
    return member >= members.length;
  }

  /** A bucket belongs to the first point at or behind its start: its own first one, or that of a bucket that follows. */
  function flatten(): void {
    let next = -1;
    for (let b = 0; next < 0; b++) next = owner[b] as number;
    for (let b = BUCKETS - 1; b >= 0; b--) {
      if ((owner[b] as number) >= 0) next = owner[b] as number;
      owner[b] = next;
    }
  }

  if (members.length === 0) return () => true;
  return steps.sequence([
    steps.once(() => {
      counts = pointCounts(members);
      owner.fill(-1);
    }),
    () => placeSome,
    steps.once(flatten),
    () => steps.each(BUCKETS, STEP_SIZE, (b) => owners.push(owner[b] as number)),
  ]);
}

/** The flattened circle, laid out at once. Empty without members. */
export function buckets(members: WeightedServer[], digest: Digest): number[] {
  const owners: number[] = [];
  const pointsOf: PointSource = (member, block, digests) =>
    computePoints((members[member] as WeightedServer).server, block, digests, digest);
  steps.run(buildBuckets(members, pointsOf, owners));
  return owners;
}
