/**
 * The answer to a device: one URL for every client, each in its own form. NGINX runs this as well: see version.ts for what
 * njs lacks. It reads nothing but the request and the keyval zone, so devices are answered while all else is down.
 *
 * What no client may get: a redirect (esp32FOTA takes the body of a 301 for the manifest), 200 with an object that is no
 * manifest (it crashes esp32FOTA), a body without its length (esp32FOTA, ESPHome), 204 (esp_https_ota).
 */
import * as admission from './admission.js';
import type { Catalogue, Offer } from './catalogue.js';
import * as catalogues from './catalogue.js';
import type { Counted } from './counting.js';
import * as counting from './counting.js';
import type { Device, Header } from './device.js';
import * as devices from './device.js';
import * as esphome from './esphome.js';
import type { Store } from './offering.js';
import * as offering from './offering.js';
import type { Query } from './query.js';
import * as queries from './query.js';
import * as regions from './region.js';
import type { Form, Route } from './route.js';
import * as routes from './route.js';
import * as versions from './version.js';

/** A request of a device. */
export interface OtaRequest {
  method: string;
  /** Decoded and normalised, as `$uri`. */
  path: string;
  /** As it came, without its `?`. */
  query: string;
  header: Header;
  /** Whether it came over TLS. */
  https: boolean;
  /** The name in the client's certificate, where the server has checked one; else `''`. */
  certificate: string;
  /** The device's region, as NGINX's configuration finds it out; `''` where it has none. */
  region: string;
}

/** What to answer. HEAD gets the same answer without the body. */
export interface Answer {
  status: number;
  headers: { [name: string]: string };
  body: string;
  /** The path of the file to send in place of the body; `''` where the body is the answer. */
  file: string;
  /** The key of the flight of the device that the file is sent to; `''` where that is not followed. */
  device: string;
  /** How fast the file is sent, in bytes/s; 0 for no limit. */
  rate: number;
}

const TYPE = /^[A-Za-z0-9._-]{1,64}$/;

/** Answers a device. Never throws. */
export function answer(request: OtaRequest, store: Store): Answer {
  if (!request.https) return error(403, 'firmware is served over https only');
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed();
  const route = routes.parse(request.path);
  if (route === undefined) return error(404, 'no such path');
  const query = queries.parse(request.query);
  if (query === undefined) return error(400, 'the query is malformed, or names an argument twice');
  const type = typeOf(route, query);
  if (type === '') return error(400, 'say type=, letters, digits, ".", "_" or "-"');
  const prefix = devices.updaterPrefix(request.header);
  const device = devices.identify(query, request.certificate, request.header, prefix);
  if (device === 'malformed') return error(400, 'id is no MAC address and no name');
  if (device === 'forbidden') return error(403, 'id is not the name in the certificate');
  const line = lineFor(store, type, request.region);
  if (line === '') return error(400, 'region is not lower-case letters, digits or "-"');
  const form = formOf(route.form, prefix, request.header);
  const value = store.get(catalogues.typeKey(line));
  const catalogue = value === undefined ? undefined : catalogues.decode(value);
  if (catalogue !== undefined) return answerFrom(store, line, catalogue, device, form, route, request);
  if (value === undefined && store.get(catalogues.READY_KEY) !== undefined)
    return error(404, 'there is no such type');
  return nothingNew(form, type, device);
}

/** The type in the path, or else in the query; `''` where it is none, or said twice. */
function typeOf(route: Route, query: Query): string {
  if (route.type !== '' && query.type !== '') return '';
  const type = route.type || query.type;
  return TYPE.test(type) ? type : '';
}

/** The line that a device is answered from: that of its region where there is one; `''` where the region is none. */
function lineFor(store: Store, type: string, region: string): string {
  if (region === '') return type;
  if (!regions.isRegion(region)) return '';
  const line = regions.lineOf(type, region);
  return store.get(catalogues.typeKey(line)) === undefined ? type : line;
}

/** At `/ota` itself the client says in which form it asks. */
type Known = Exclude<Form, 'ask'> | 'esp32fota';

function formOf(form: Form, prefix: string, header: Header): Known {
  if (form !== 'ask') return form;
  if (prefix !== '') return 'file';
  return (header('User-Agent') || '').indexOf('ESPHome/') === 0 ? 'esphome' : 'esp32fota';
}

function answerFrom(
  store: Store,
  line: string,
  catalogue: Catalogue,
  device: Device,
  form: Known,
  route: Route,
  request: OtaRequest,
): Answer {
  const type = regions.typeOf(line);
  const counted = counting.question(store, line, catalogue, device);
  const isBarred = counted !== undefined && (counted === 'barred' || counting.isBlocked(counted));
  const offer = offering.offerTo(store, line, catalogue, device, isBarred);
  if (offer === undefined) return nothingNew(form, type, device);
  const isNamed = form === 'image' || form === 'md5';
  const newer = !isNamed && devices.runsNewer(device, offer, [catalogue.stable, catalogue.candidate]);
  if (newer && !catalogue.downgrade) return keep(form, type, device, catalogue.candidate);
  const given = tell(form, type, device, offer, route.version);
  if (given.status !== 200 || devices.runs(device, offer)) return given;
  const isPassed = catalogue.options.critical || isResumed(request);
  const willCome = given.file === '' && (device.version !== '' || devices.saysHash(device));
  if (!admission.admit(store, request.region, isPassed, willCome)) return nothingNew(form, type, device);
  given.rate = catalogue.options.rate;
  const isFollowed = offer === catalogue.candidate && counted !== undefined && counted !== 'barred';
  nameInFile(given, isFollowed ? follow(store, counted, offer, given) : '', request.region);
  return given;
}

/** Tells of a release in the client's own form. */
function tell(form: Known, type: string, device: Device, offer: Offer, version: string): Answer {
  if (form === 'image' || form === 'md5') return named(form, offer, version);
  if (form === 'file') return file(type, device, offer);
  if (form === 'version')
    return text(devices.runs(device, offer) ? device.version || offer.version : offer.version);
  return manifest(form === 'esphome' ? offer.esphome : offer.esp32fota);
}

/** Whether a download that broke off goes on: it was admitted when it began. */
function isResumed(request: OtaRequest): boolean {
  const range = request.header('Range');
  return range !== undefined && range.indexOf('bytes=0-') !== 0;
}

/** Where a manifest names its file: the SHA-256 is between these. */
const BEFORE = '/blobs/';
const AFTER = '.bin';
const DIGITS = 64;

/** Where the SHA-256 of its file begins in a manifest; -1 where it is in none. */
function fileAt(body: string): number {
  const at = body.indexOf(BEFORE) + BEFORE.length;
  const end = at + DIGITS;
  return at >= BEFORE.length && body.substring(end, end + AFTER.length) === AFTER ? at : -1;
}

/** Counts a device that is told of the candidate. Returns the key of its flight; `''` where it is not followed. */
function follow(store: Store, counted: Counted, offer: Offer, given: Answer): string {
  const at = fileAt(given.body);
  const sha256 = at < 0 ? offer.sha256 : given.body.substring(at, at + DIGITS);
  const key = counting.offer(store, counted, sha256);
  if (given.file !== '') given.device = key;
  return key;
}

/**
 * Has a manifest name its file with the flight of the device, so that the download is known to be this device's, and with
 * its region, whose servers it is to come from.
 */
function nameInFile(given: Answer, flight: string, region: string): void {
  const said: string[] = [];
  if (flight !== '') said.push(`device=${flight}`);
  if (region !== '') said.push(`region=${region}`);
  const body = given.body;
  const at = said.length === 0 ? -1 : fileAt(body);
  if (at < 0) return;
  const rest = at + DIGITS + AFTER.length;
  given.body = `${body.substring(0, rest)}?${said.join('&')}${body.substring(rest)}`;
}

/** For a device that runs what comes after its offer, and stays with it. */
function keep(form: Known, type: string, device: Device, candidate: Offer | undefined): Answer {
  const own = devices.runs(device, candidate) ? candidate : undefined;
  if (form === 'esp32fota' && own !== undefined) return manifest(own.esp32fota);
  if (form === 'esphome' && own !== undefined) return manifest(own.esphome);
  return nothingNew(form, type, device);
}

/** In the client's own form: there is nothing that it does not have. */
function nothingNew(form: Known, type: string, device: Device): Answer {
  if (form === 'esp32fota') return manifest('[]');
  if (form === 'esphome' && device.version !== '') return manifest(esphome.ownManifest(type, device.version));
  if (form === 'file') return make(304, { 'Cache-Control': 'no-store' }, '');
  if (form === 'version' && versions.parse(device.version) !== undefined) return text(device.version);
  // The body is empty: a sketch that reads nothing else must not take a word for a version.
  if (form === 'version') return make(404, plain(), '');
  return error(404, 'there is no release for this device yet');
}

/** The image, for whoever does not run it and has room for it. */
function file(type: string, device: Device, offer: Offer): Answer {
  const fits = device.space < 0 || device.space >= offer.size;
  if (device.fileSystem || devices.runs(device, offer) || !fits) return nothingNew('file', type, device);
  return image(offer);
}

/** What a path names by its version, for the devices that may have that version. */
function named(form: 'image' | 'md5', offer: Offer, version: string): Answer {
  if (!devices.sameVersion(version, offer.version)) return error(404, 'this version is not for this device');
  return form === 'md5' ? text(offer.md5) : image(offer);
}

function image(offer: Offer): Answer {
  const headers = { 'Cache-Control': 'no-store', 'x-MD5': offer.md5 };
  const given = make(200, headers, '');
  given.file = `/blobs/${offer.sha256}.bin`;
  return given;
}

/** A finished manifest; none where the type's devices do not ask in this form. */
function manifest(body: string): Answer {
  if (body === '') return error(404, 'this type has no manifest in this form');
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  return make(200, headers, body);
}

function text(body: string): Answer {
  return make(200, plain(), body);
}

/** One line that is no JSON, no version and no image. */
function error(status: number, message: string): Answer {
  return make(status, plain(), `error: ${message}\n`);
}

function notAllowed(): Answer {
  const refusal = error(405, 'ask with GET');
  refusal.headers.Allow = 'GET, HEAD';
  return refusal;
}

function make(status: number, headers: { [name: string]: string }, body: string): Answer {
  return { status: status, headers: headers, body: body, file: '', device: '', rate: 0 };
}

function plain(): { [name: string]: string } {
  return { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' };
}
