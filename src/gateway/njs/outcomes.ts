/** njs module: what became of candidates, on the gateway and on NGINX Plus: the report, and the periodic work on it. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';
import * as admission from '../../firmware/shared/admission.js';
import * as catalogues from '../../firmware/shared/catalogue.js';
import * as flightsFile from '../../firmware/shared/flights-file.js';
import type { Memory } from '../../firmware/shared/memory.js';
import * as memories from '../../firmware/shared/memory.js';
import type { Store } from '../../firmware/shared/offering.js';
import * as report from '../../firmware/shared/outcome-report.js';
import * as returned from '../../firmware/shared/returned.js';
import * as shadows from '../../firmware/shared/shadow.js';
import * as sweeping from '../../firmware/shared/sweep.js';
import type { StateDisk, StateFile } from '../store/state-file.js';
import * as stateFile from '../store/state-file.js';
import * as files from './files.js';
import * as stores from './firmware-store.js';
import * as journals from './flights-journal.js';
import * as timeSlices from './time-slices.js';

/** How many devices one NGINX follows, unless `$firmware_flights` says otherwise. */
const FLIGHTS = 20_000;
/** Entries of the queue that a tick looks at: with a tick each quarter of a second all devices in half a minute. */
const ENTRIES = 200;
/** The time of the last tick, in ms since the epoch. */
const TICKED = ' ticked';
const MIN_TICK = 100;
/** The ticks, of which every fourth does what is done once a second. */
const TICKS = ' ticks';
const TICKS_PER_SECOND = 4;
/** How often a type was looked at. */
const REVIEWS = ' reviews';
/** `js_content`: responds to `GET /firmware/outcomes`, after it has learned which devices are back on MQTT. */
async function show(r: NginxHTTPRequest): Promise<void> {
  r.headersOut['Content-Type'] = 'application/json';
  r.headersOut['Cache-Control'] = 'no-store';
  const memory = stores.memoryOf(r.variables);
  if (memory === undefined) r.return(404, '{}');
  else if (r.method !== 'GET' && r.method !== 'HEAD') r.return(405, '{}');
  // What was counted before a restart has not been read back yet.
  else if (memories.timeOf(memory) === undefined) r.return(503, '{}');
  else {
    report.nameEpoch(memory, (r.variables.request_id as string).substring(0, 16));
    await meetDevices(r, memory);
    r.return(200, report.render(memory));
  }
}

/** The location by which the stream block gives the ClientIds that it has seen. */
const CLIENTS = '/firmware_clients';

/** Counts devices whose ClientIds the stream block has seen. Without a stream block there are none. */
async function meetDevices(r: NginxHTTPRequest, memory: Memory): Promise<void> {
  const prefixes = returned.prefixes(memory);
  if (prefixes.length === 0) return;
  const args = `begins=${encodeURIComponent(prefixes.join(' '))}`;
  const reply = await r.subrequest(CLIENTS, { method: 'GET', args: args });
  if (reply.status !== 200) return;
  const seen = JSON.parse(reply.responseText as string) as returned.Seen[];
  returned.meet(memory, seen, Date.now());
}

/** `js_periodic` each 250 ms. */
function tick(s: NginxPeriodicSession): void {
  const store = stores.storeOf(s.variables);
  const memory = store.memory;
  if (memory === undefined) return;
  const counts = memory.counts;
  const limit = Number(s.variables.firmware_flights) || FLIGHTS;
  counts.set(memories.LIMIT, limit);
  if (memories.timeOf(memory) === undefined) restore(memory, s.variables.firmware_state || '', limit);
  const now = Date.now();
  const before = counts.get(TICKED);
  // NGINX starts a task for each server that includes its declaration.
  if (before !== undefined && now >= before && now - before < MIN_TICK) return;
  counts.set(TICKED, now);
  sweeping.advance(memory, before === undefined ? 0 : (now - before) / 1000);
  if (counts.incr(TICKS, 1) % TICKS_PER_SECOND === 0) {
    admission.repair(memory, files.isRunning);
    review(store, memory);
  }
  if (isSaving(memory, now)) return;
  sweeping.sweep(memory, { digest: store.digest, isFull: isFull() }, ENTRIES);
}

/** Whether the file is being written. */
function isSaving(memory: Memory, now: number): boolean {
  const began = memory.counts.get(journals.SAVING);
  return began !== undefined && now >= began && now - began < END;
}

/** Looks what is still offered of one type, another one each time: a session reads the value of one key only. */
function review(store: Store, memory: Memory): void {
  const types = report.types(memory);
  if (types.length === 0) return;
  const type = types[memory.counts.incr(REVIEWS, 1) % types.length] as string;
  const value = store.get(catalogues.typeKey(type));
  const catalogue = value === undefined ? undefined : catalogues.decode(value);
  const shadow = catalogue === undefined ? undefined : catalogue.options.shadow;
  const isCounted = catalogue !== undefined && catalogue.candidate !== undefined && catalogue.options.count;
  returned.setPattern(memory, type, isCounted ? catalogue.options.clientId : '');
  shadows.setPresent(memory, type, shadow === undefined ? '' : shadow.version);
  const used = catalogue === undefined ? [] : [catalogue.stable, catalogue.candidate, shadow];
  report.forgetUnused(
    memory,
    type,
    used.map((one) => (one === undefined ? '' : one.version)),
  );
}

/** Whether the memory of flights is three quarters full. */
function isFull(): boolean {
  const zone = (ngx.shared as unknown as { firmware_flights: { capacity: number; freeSpace(): number } })
    .firmware_flights;
  return zone.freeSpace() < zone.capacity / 4;
}

/** Reads the devices that were in flight before a restart, once. */
function restore(memory: Memory, path: string, limit: number): void {
  const text = path === '' ? undefined : files.read(path);
  const bad = flightsFile.restore(memory, text === undefined ? '' : text, limit);
  if (bad > 0) ngx.log(ngx.WARN, `${path}: ignored ${bad} lines`);
  if (memories.timeOf(memory) === undefined) memory.counts.set(memories.NOW, 0);
}

/** The file of the devices in flight, at a path that the configuration names. */
const FILE: StateFile = { name: journals.NAME, owner: 'firmware', contents: 'devices in flight' };
/** Lines that a step writes. */
const LINES = 64;
/** The length of a time slice, and how long writing may take, in ms: the next period begins after 5 s. */
const SLICE = 1;
const END = 4500;

/** `js_periodic` each 5 s: writes the devices in flight down, where they have changed. */
async function save(s: NginxPeriodicSession): Promise<void> {
  const memory = stores.memoryOf(s.variables);
  const path = s.variables.firmware_state || '';
  if (memory === undefined || path === '' || memories.timeOf(memory) === undefined) return;
  const disk = diskOf(memory, path);
  if (!stateFile.isBehind(disk, FILE.name) || !stateFile.isDue(disk, FILE.name)) return;
  const began = Date.now();
  if (isSaving(memory, began)) return;
  memory.counts.set(journals.SAVING, began);
  const work = stateFile.write(disk, FILE, () => contentsOf(disk, memory));
  await timeSlices.runInSlices(work, SLICE, () => Date.now() - began > END);
  memory.counts.delete(journals.SAVING);
}

function diskOf(memory: Memory, path: string): StateDisk {
  const pathOf = (name: string) => journals.pathOf(path, name);
  return {
    tables: memory.flights,
    counters: memory.counts,
    clock: () => 1000 * (memories.timeOf(memory) || 0),
    append: (name, text) => fs.appendFileSync(pathOf(name), text),
    rename: (from, to) => fs.renameSync(pathOf(from), pathOf(to)),
    remove: (name) => files.remove(pathOf(name)),
    warn: (message) => ngx.log(ngx.WARN, message),
  };
}

function contentsOf(disk: StateDisk, memory: Memory): stateFile.Contents {
  const first = memories.numberOf(memory, memories.HEAD) + 1;
  const end = memories.numberOf(memory, memories.TAIL);
  return {
    sequence: stateFile.sequenceOf(disk, FILE.name),
    head: flightsFile.head(memory),
    tail: '',
    // The last one is the counters: whatever is counted later is in the journal.
    parts: end - first + 2,
    partsPerStep: LINES,
    part: (i) => (first + i > end ? flightsFile.tail(memory) : flightsFile.line(memory, first + i)),
    onSaved: () => {},
    pause: () => 0,
  };
}

export default { show, tick, save };
