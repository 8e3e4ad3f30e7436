/**
 * Consistent hashing (ketama). Servers have points on a ring of 32 bits; a key belongs to the server whose point follows
 * it. The ring is divided into equal buckets, so that a lookup is a single array access.
 * The result depends on addresses and weights alone, so all workers, and NGINX after a restart, agree.
 */
import type { Step } from './steps.js';
import * as steps from './steps.js';

/** Number of buckets. The first 13 bits of a key's SHA-256 are its bucket: see balance/fast-path.ts. */
export const BUCKETS = 8192;
/** Points of a server per unit of weight. Ten servers then get their fair share to within a fifth. */
const POINTS_PER_WEIGHT = 1024;
/** Maximum number of points; beyond it all servers get proportionally fewer. It bounds the time of a rebuild. */
const MAX_POINTS = 49152;
/** Digests in a block of a server's points. A digest has eight points. */
const BLOCK = 128;
const BLOCK_POINTS = 1024;
/** Points per step: some hundred microseconds in njs. */
const STEP_SIZE = 512;

/** SHA-256 of a text. */
export type Digest = (text: string) => Uint8Array;

/** A server on the ring. */
export interface WeightedServer {
  server: string;
  weight: number;
}

/** Returns the concatenated digests of a block of a server's points, at least as many as requested. */
export type PointSource = (member: number, block: number, digests: number) => Uint8Array;

/** Computes the concatenated digests of a block of a server's points. */
export function computePoints(server: string, block: number, digests: number, digest: Digest): Uint8Array {
  const bytes = new Uint8Array(digests * 32);
  for (let i = 0; i < digests; i++) bytes.set(digest(`${server}#${block * BLOCK + i}`), i * 32);
  return bytes;
}

/** The number of points of each server. */
function pointCounts(members: WeightedServer[]): number[] {
  let total = 0;
  for (let i = 0; i < members.length; i++) total += (members[i] as WeightedServer).weight * POINTS_PER_WEIGHT;
  const scale = total > MAX_POINTS ? MAX_POINTS / total : 1;
  return members.map((member) => Math.max(1, Math.floor(member.weight * POINTS_PER_WEIGHT * scale)));
}

/** Appends to `owners`, for each bucket, the index of the server that owns it. */
export function buildBuckets(members: WeightedServer[], pointsOf: PointSource, owners: number[]): Step {
  /** The first point of each bucket, and the index of its server: -1 if the bucket has no point. */
  const first = new Float64Array(BUCKETS);
  const owner = new Int16Array(BUCKETS);
  let counts: number[] = [];
  let member = 0;
  let point = 0;
  let block: Uint8Array = new Uint8Array(0);

  /** Of two servers with equal points the same one wins, in whatever order they were added. */
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

  /** A bucket without a point of its own belongs to the server of the next bucket that has one. */
  function fillGaps(): void {
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
    steps.once(fillGaps),
    () => steps.each(BUCKETS, STEP_SIZE, (b) => owners.push(owner[b] as number)),
  ]);
}
