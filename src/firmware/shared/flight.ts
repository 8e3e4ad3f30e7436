/**
 * A device in flight: it has been offered the candidate, and what became of it is not known yet. What a device does is
 * counted here, each outcome once per device; a failure and a loss may be taken back. NGINX runs this as well: see
 * version.ts for what njs lacks.
 */

/**
 * `offered`; `downloaded`: the last byte of the image went out; `failed`: after that it ran another version; `retried`: it
 * has downloaded the image a second time; `blocked`: that failed as well; `lost`: silent after a download; `unknown`: after
 * a download it did not say what it runs; `returned`: after a download its ClientId was back on MQTT; `booted`: the flight
 * is over.
 */
type State =
  | 'offered'
  | 'downloaded'
  | 'failed'
  | 'retried'
  | 'blocked'
  | 'lost'
  | 'unknown'
  | 'returned'
  | 'booted';

/**
 * What is counted. `recovered` takes a failure back, `found` a loss, `known` that a device was unknown, and `answered` that
 * it has returned without a word of what it runs.
 */
export type Outcome =
  | 'offered'
  | 'downloaded'
  | 'booted'
  | 'failed'
  | 'recovered'
  | 'lost'
  | 'found'
  | 'unknown'
  | 'known'
  | 'returned'
  | 'answered';

/** What a device runs by its own account: the candidate, something else, or it does not say. */
export type Claim = 'candidate' | 'other' | 'nothing';

/** A device in flight. Times are in seconds, by the clock of memory.ts. */
export interface Flight {
  state: State;
  /** The candidate. */
  version: string;
  /** The first 16 digits of the SHA-256 of the file that it was told of. */
  file: string;
  /** When it asked last. */
  asked: number;
  /** The longest time between two questions; 0 where it asked once. */
  gap: number;
  /** When anything was last seen of it. */
  seen: number;
  /** How often devices of its type ask, in seconds; 0 where nobody has said. */
  interval: number;
  /** Whether it said with its last question what it runs. */
  says: boolean;
}

/** The digits of a file's SHA-256 that tell it from others. */
export const FILE_DIGITS = 16;

export function encode(flight: Flight): string {
  const times = `${flight.asked} ${flight.gap} ${flight.seen} ${flight.interval}`;
  return `${flight.state} ${flight.version} ${flight.file} ${times} ${flight.says ? 1 : 0}`;
}

/** Reads what {@link encode} has written. Many requests read it, so it is split into words: njs is slower at patterns. */
export function decode(text: string): Flight {
  const words = text.split(' ');
  return {
    state: words[0] as State,
    version: words[1] as string,
    file: words[2] as string,
    asked: Number(words[3]),
    gap: Number(words[4]),
    seen: Number(words[5]),
    interval: Number(words[6]),
    // Earlier versions wrote no such word.
    says: words[7] !== '0',
  };
}

/** The device asks. Changes the flight, and returns what is to be counted. */
export function ask(flight: Flight, claim: Claim, now: number): Outcome[] {
  const before = flight.state;
  flight.gap = Math.max(flight.gap, now - flight.asked);
  flight.asked = now;
  flight.seen = now;
  if (claim === 'candidate') return boot(flight);
  if (before === 'returned') return answer(flight, claim);
  flight.says = claim !== 'nothing';
  if (before === 'retried' && claim === 'other') flight.state = 'blocked';
  if (before !== 'downloaded' && before !== 'lost' && (before !== 'unknown' || claim === 'nothing'))
    return [];
  flight.state = claim === 'other' ? 'failed' : 'unknown';
  return afterAll(before, flight.state);
}

/** It has returned, and asks without running the candidate by its own account. */
function answer(flight: Flight, claim: Claim): Outcome[] {
  if (claim === 'nothing' || !flight.says) return [];
  flight.state = 'failed';
  return ['answered', 'failed'];
}

/** An outcome, which takes back what was counted before. */
function afterAll(before: State, outcome: Outcome): Outcome[] {
  if (before === 'lost') return ['found', outcome];
  if (before === 'unknown') return ['known', outcome];
  return [outcome];
}

/** It runs the candidate. Where no download was seen, such as through another NGINX, there was one all the same. */
function boot(flight: Flight): Outcome[] {
  const before = flight.state;
  flight.state = 'booted';
  if (before === 'offered') return ['downloaded', 'booted'];
  if (before === 'returned') return flight.says ? ['answered', 'booted'] : [];
  if (before === 'downloaded' || before === 'lost' || before === 'unknown') return afterAll(before, 'booted');
  return ['recovered', 'booted'];
}

/** A device whose last byte went out takes longer than this (s) to write the image and to start again. */
const RESTART = 2;

/**
 * The device's ClientId was seen on MQTT at `at`. Changes the flight, and returns what is to be counted. That it is back
 * says that it is alive, and not what it runs: a device that will say so has returned, and its next question decides. One
 * that never says it has booted. A device that was seen to fail has to say that it runs the candidate.
 */
export function comeBack(flight: Flight, at: number): Outcome[] {
  const before = flight.state;
  if (before !== 'downloaded' && before !== 'lost' && before !== 'unknown') return [];
  if (at < flight.seen + RESTART) return [];
  flight.state = 'returned';
  flight.seen = Math.floor(at);
  return afterAll(before, flight.says ? 'returned' : 'booted');
}

/** The last byte of the image went out. Changes the flight, and returns what is to be counted. */
export function download(flight: Flight, now: number): Outcome[] {
  const before = flight.state;
  flight.seen = now;
  if (before === 'failed') flight.state = 'retried';
  if (before !== 'offered' && before !== 'lost') return [];
  flight.state = 'downloaded';
  return before === 'lost' ? ['found'] : ['downloaded'];
}

/** A device is lost once it has been silent for so many of its intervals. */
const SILENT_INTERVALS = 3;
/** Two questions within this time (s) are two tries, and no interval. */
const MIN_GAP = 60;

/**
 * Looks whether a device is lost. Changes the flight, and returns what is to be counted. One that was seen to ask more
 * rarely than its type does is given the time it takes; one that asked once, and of whose type nobody has said how often it
 * asks, is never lost.
 */
export function check(flight: Flight, now: number): Outcome[] {
  if (flight.state !== 'downloaded') return [];
  const own = Math.max(flight.interval, flight.gap >= MIN_GAP ? flight.gap : 0);
  if (own === 0 || now - flight.seen < SILENT_INTERVALS * own) return [];
  flight.state = 'lost';
  return ['lost'];
}
