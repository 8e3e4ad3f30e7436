/**
 * Choosing a server: the path of every request, so it is written for few operations. njs gives each request a
 * fresh interpreter, so the module imports nothing and keeps nothing.
 */

/** The part of an njs dictionary of strings that a pick needs. */
export interface Strings {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
}

/** The part of an njs dictionary of numbers that a pick needs; `incr` is atomic over all workers. */
export interface Numbers {
  get(key: string): number | undefined;
  incr(key: string, by: number): number;
}

/** Shared memory and identity of the worker that picks. */
export interface Worker {
  tables: Strings;
  counters: Numbers;
  pid: number;
}

/** A request's own share in the choice. */
export interface Request {
  /** The group to choose from. */
  group: string;
  /** Bucket of the request's hash key; called only for a group that hashes. */
  hash(): number;
  /** uids already tried, as `,1,2,`; empty at first. */
  tried: string;
}

/** `[uid, address, …]` of the server that was chosen and is counted active; empty when there was none to choose. */
export type Picked = string[];

const NONE: Picked = [];

/**
 * What one request adds to a worker's counter of a server: one active in the low 20 bits and one request
 * above them, so that both cost a single operation.
 */
const ACTIVE_LIMIT = 1048576;
const TAKE = ACTIVE_LIMIT + 1;

// The columns of table.ts, repeated here because an import costs every request.
const COLUMNS = 21;
const CHUNK = 16;
/** How many rows are looked at when the first will not do. */
const MAX_LOOKS = 128;
/** How many servers `least_conn` compares in a group of many. */
const LEAST_OF = 16;

function row(worker: Worker, group: string, header: string, i: number): string[] {
  const width = Number(header.substring(6, 9));
  if (header.charAt(10) === 'i') {
    const at = COLUMNS + i * width;
    return header.substring(at, at + width).split(' ');
  }
  const chunk = worker.tables.get(`${group}#${Math.floor(i / CHUNK)}`);
  // A table that is being replaced by a shorter one; the caller sees that the header has changed.
  if (chunk === undefined) return NONE;
  const at = (i % CHUNK) * width;
  return chunk.substring(at, at + width).split(' ');
}

/** Open requests of a server, over all workers. */
function load(worker: Worker, uid: string): number {
  const pids = worker.tables.get(' pids');
  if (pids === undefined) return 0;
  let active = 0;
  const all = pids.split(' ');
  for (let i = 0; i < all.length; i++) {
    const counter = worker.counters.get(`${uid}/${all[i]}`);
    if (counter !== undefined) active += counter % ACTIVE_LIMIT;
  }
  return active;
}

/** Counts a request in; false when the server's `max_conns` is reached, and then it is not counted. */
function take(worker: Worker, candidate: string[]): boolean {
  const uid = candidate[0] as string;
  const counter = `${uid}/${worker.pid}`;
  if (worker.counters.incr(counter, TAKE) === TAKE) register(worker);
  if (!candidate[2] || candidate[2] === '0') return true;
  // Counting first and looking afterwards can refuse two at once where one had room, but never admits one too many.
  if (load(worker, uid) <= Number(candidate[2])) return true;
  worker.counters.incr(counter, -TAKE);
  return false;
}

/** Makes this worker's counters known to {@link load}. Two at once may lose one: the periodic task mends that. */
function register(worker: Worker): void {
  const pids = worker.tables.get(' pids');
  if (pids === undefined) worker.tables.set(' pids', `${worker.pid}`);
  else if (` ${pids} `.indexOf(` ${worker.pid} `) < 0) worker.tables.set(' pids', `${pids} ${worker.pid}`);
}

/** Index of the least loaded server, by open requests per weight, among the rows that follow `start`. */
function leastLoaded(
  worker: Worker,
  group: string,
  header: string,
  start: number,
  length: number,
  tried: string,
): number {
  let best = start;
  let lowest = Number.POSITIVE_INFINITY;
  let seen = tried;
  let compared = 0;
  for (let i = 0; i < length && i < MAX_LOOKS && compared < LEAST_OF; i++) {
    const at = (start + i) % length;
    const candidate = row(worker, group, header, at);
    if (seen.indexOf(`,${candidate[0]},`) >= 0) continue;
    seen += `,${candidate[0]},`;
    compared++;
    const pressure = load(worker, candidate[0] as string) / Number(candidate[3]);
    if (pressure < lowest) {
      lowest = pressure;
      best = at;
    }
  }
  return best;
}

/** The row to begin with. */
function first(worker: Worker, request: Request, header: string, length: number): number {
  const mode = header.charAt(9).toLowerCase();
  if (mode === 'h') return request.hash() % length;
  const next = worker.counters.incr(request.group, 1) % length;
  if (mode === 'r') return next;
  return leastLoaded(worker, request.group, header, next, length, request.tried);
}

/** The first row that was not tried yet and has room. */
function search(worker: Worker, request: Request, header: string, length: number): Picked {
  const start = first(worker, request, header, length);
  let full = '';
  for (let i = 0; i < length && i < MAX_LOOKS; i++) {
    const candidate = row(worker, request.group, header, (start + i) % length);
    const mark = `,${candidate[0]},`;
    if (candidate === NONE || request.tried.indexOf(mark) >= 0 || full.indexOf(mark) >= 0) continue;
    if (take(worker, candidate)) return candidate;
    full += mark;
  }
  return NONE;
}

/**
 * Chooses a server of the group and counts the request active on it, in one go. Once a change of the group has
 * been answered by the API, no request is counted on (or sent to) a server that the change took out.
 */
function pick(worker: Worker, request: Request): Picked {
  for (;;) {
    const header = worker.tables.get(request.group);
    // The table is not in memory: NGINX has just started, or there is no such group.
    if (header === undefined) return NONE;
    const length = Number(header.substring(0, 6));
    if (length === 0) return NONE;
    const picked = search(worker, request, header, length);
    // Counted in, then looked again: either this sees the change, or the change's author sees the count.
    if (worker.tables.get(request.group) === header) return picked;
    if (picked !== NONE) worker.counters.incr(`${picked[0]}/${worker.pid}`, -TAKE);
  }
}

/** Nginx variables of a request or session. */
export interface Variables {
  [name: string]: string | undefined;
}

/** Bucket of a request of a group that hashes. */
export type Bucket = (variables: Variables, group: string) => number;

/** Columns 9 and 10 of a header: round robin, hash; records behind the header. */
const ROUND_ROBIN = 114;
const HASH = 104;
const INLINE = 105;

/**
 * {@link pick} for the usual case, in as few operations as will do: the first row is taken, none has `max_conns`.
 * Returns the address and leaves the name of the counter in `$gateway_counter`; `''` refers to {@link pick}.
 */
function quick(worker: Worker, variables: Variables, bucket: Bucket): string {
  const group = variables.upstream as string;
  const tables = worker.tables;
  const counters = worker.counters;
  const header = tables.get(group);
  if (header === undefined) return '';
  const length = Number(header.substring(0, 6));
  const mode = header.charCodeAt(9);
  if (length === 0 || (mode !== ROUND_ROBIN && mode !== HASH)) return '';
  const chosen = mode === HASH ? bucket(variables, group) : counters.incr(group, 1) % length;
  let text: string | undefined = header;
  let at = chosen * Number(header.substring(6, 9)) + COLUMNS;
  if (header.charCodeAt(10) !== INLINE) {
    text = tables.get(`${group}#${chosen >> 4}`);
    if (text === undefined) return '';
    at = (chosen & 15) * Number(header.substring(6, 9));
  }
  const space = text.indexOf(' ', at);
  const counter = `${text.substring(at, space)}/${worker.pid}`;
  if (counters.incr(counter, TAKE) === TAKE) register(worker);
  // Counted in, then looked again, as in pick.
  if (tables.get(group) !== header) {
    counters.incr(counter, -TAKE);
    return '';
  }
  variables.gateway_counter = counter;
  return text.substring(space + 1, text.indexOf(' ', space + 1));
}

export default { pick, quick, ACTIVE_LIMIT };
