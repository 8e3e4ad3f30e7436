/**
 * What every NGINX holds of a firmware type: one value of the keyval zone `firmware` under the type's name, which is
 * replaced as a whole. NGINX runs this as well: see version.ts for what njs lacks.
 *
 * The value is seven lines, which njs splits in a tenth of the time that JSON of this size takes it:
 * `2 <revision> <buckets> <salt> <downgrade> <groups> <options>`, then of the stable release and of the candidate
 * `<version> <sha256> <md5> <size> <appSha256>`, the manifest for esp32FOTA and the one for ESPHome. `-` and an empty line
 * stand for what there is not. Options are `key=value`, joined by `;`: see {@link CatalogueOptions}. A key that is not known
 * is ignored, so that options can be added. A release that devices have to pass has a key of its own, with three such lines.
 */

/** The keyval zone. */
export const ZONE = 'firmware';

/** Its key that is there once everything has been written: without it, what is missing may only be late. */
export const READY_KEY = '/ready';

/** Its key that says how many downloads this NGINX may carry at a time; without it there is no limit. */
export const SLOTS_KEY = '/slots';

/** The same for the downloads that a region's own servers carry; a region without the key has no servers of its own. */
export function regionSlotsKey(region: string): string {
  return `${SLOTS_KEY}/${region}`;
}

/** The longest value, in bytes: a longer one would need a whole page of NGINX's memory. */
export const MAX_CATALOGUE = 2000;

/** The key of a type's value. */
export function typeKey(type: string): string {
  return type;
}

/** The key whose value names the groups that a device is in, with commas between them. */
export function memberKey(type: string, id: string): string {
  return `${type}/id/${id}`;
}

/** The key of a release that devices on their way to a newer one have to pass. */
export function stoneKey(type: string, version: string): string {
  return `${type}/via/${version}`;
}

/** The type that a key belongs to; `''` for one that is about NGINX itself. */
export function typeOfKey(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key : key.substring(0, slash);
}

/** A release as devices are told of it. */
export interface Offer {
  /** As it was published. */
  version: string;
  /** Of the bare image, as are the next two. */
  sha256: string;
  md5: string;
  /** In bytes. */
  size: number;
  /** The SHA-256 at the image's end, `''` where it has none. */
  appSha256: string;
  /** The finished manifest, `''` where the type's devices do not ask for it. */
  esp32fota: string;
  esphome: string;
}

/** A share of the devices that a release would reach. Nobody is offered it because of this. */
export interface Shadow {
  version: string;
  /** As those of the catalogue. */
  buckets: number;
  salt: string;
}

/** What else NGINX knows of a type. Versions are as they were published. */
export interface CatalogueOptions {
  /** `count=1`: what becomes of the candidate is counted. */
  count: boolean;
  /** `interval=`: how often a device of this type asks, in seconds; 0 where nobody has said. */
  interval: number;
  /** `rescue=`: devices that report one of these are offered the candidate. */
  rescue: string[];
  /** `critical=1`: downloads of the candidate are not refused, however many there are. */
  critical: boolean;
  /** `rate=`: of one download, in bytes/s; 0 for no limit. */
  rate: number;
  /** `shadow=<version>:<buckets>:<salt>`, with the salt as in a URL. */
  shadow: Shadow | undefined;
  /** `via=`: releases that devices below them have to pass, in ascending order. */
  via: string[];
  /** `from=`: the version from which on a device may take the candidate; `''` for any. */
  from: string;
  /** `stablefrom=`: the same for the stable release. */
  stableFrom: string;
  /** `client=`: the ClientId of a device on MQTT, with `{id}` for its id; `''` where nobody has said. */
  clientId: string;
}

/** No options. */
export function noOptions(): CatalogueOptions {
  return {
    count: false,
    interval: 0,
    rescue: [],
    critical: false,
    rate: 0,
    shadow: undefined,
    via: [],
    from: '',
    stableFrom: '',
    clientId: '',
  };
}

/** Who is offered which release of a type. */
export interface Catalogue {
  /** Of etcd, when this was made: a value never takes the place of one with a higher revision. */
  revision: number;
  /** Devices whose bucket is below it are offered the candidate: 0 to 10,000, and 0 while it is paused. */
  buckets: number;
  salt: string;
  /** Whether devices whose server decides what they install may be taken back to an older release. */
  downgrade: boolean;
  /** Groups whose members are offered the candidate. */
  groups: string[];
  options: CatalogueOptions;
  stable: Offer | undefined;
  candidate: Offer | undefined;
}

const NOTHING = '-';
/** Of the value's form. */
const VERSION = '2';
const WHOLE = /^[0-9]{1,15}$/;

/** The value of a type's key. Manifests hold no line breaks, and all else no spaces. */
export function encode(catalogue: Catalogue): string {
  const head = [
    VERSION,
    String(catalogue.revision),
    String(catalogue.buckets),
    catalogue.salt || NOTHING,
    catalogue.downgrade ? '1' : '0',
    catalogue.groups.join(',') || NOTHING,
    encodeOptions(catalogue.options) || NOTHING,
  ];
  return `${head.join(' ')}\n${encodeOffer(catalogue.stable)}\n${encodeOffer(catalogue.candidate)}`;
}

function encodeOptions(options: CatalogueOptions): string {
  const shadow = options.shadow;
  const pairs = [
    ['count', options.count ? '1' : ''],
    ['interval', options.interval > 0 ? String(options.interval) : ''],
    ['rescue', options.rescue.join(',')],
    ['critical', options.critical ? '1' : ''],
    ['rate', options.rate > 0 ? String(options.rate) : ''],
    [
      'shadow',
      shadow === undefined ? '' : `${shadow.version}:${shadow.buckets}:${encodeURIComponent(shadow.salt)}`,
    ],
    ['via', options.via.join(',')],
    ['from', options.from],
    ['stablefrom', options.stableFrom],
    ['client', options.clientId],
  ];
  const given = pairs.filter((pair) => pair[1] !== '');
  return given.map((pair) => pair.join('=')).join(';');
}

/** The value of a release's key, see {@link stoneKey}; in a type's value, three of its lines. */
export function encodeOffer(offer: Offer | undefined): string {
  if (offer === undefined) return `${NOTHING}\n\n`;
  const facts = [offer.version, offer.sha256, offer.md5, String(offer.size), offer.appSha256 || NOTHING];
  return `${facts.join(' ')}\n${offer.esp32fota}\n${offer.esphome}`;
}

/** Reads a type's value; undefined where it is none, such as one of another version of sidekick. */
export function decode(value: string): Catalogue | undefined {
  const lines = value.split('\n');
  const head = (lines[0] as string).split(' ');
  if (lines.length !== 7 || head.length !== 7 || head[0] !== VERSION) return undefined;
  return {
    revision: Number(head[1]),
    buckets: Number(head[2]),
    salt: textOf(head[3] as string),
    downgrade: head[4] === '1',
    groups: listOf(textOf(head[5] as string)),
    options: decodeOptions(textOf(head[6] as string)),
    stable: decodeOffer(lines, 1),
    candidate: decodeOffer(lines, 4),
  };
}

/** The revision of a type's value; -1 where it is none. */
export function revisionOf(value: string): number {
  const found = value.match(/^2 ([0-9]{1,16}) /);
  return found === null ? -1 : Number(found[1]);
}

/** A type's value without its revision, for whoever wants to know if two say the same; another text as it is. */
export function withoutRevision(value: string): string {
  return value.replace(/^2 [0-9]{1,16} /, `${VERSION} `);
}

function decodeOptions(text: string): CatalogueOptions {
  const options = noOptions();
  if (text === '') return options;
  const pairs = text.split(';');
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    const equals = pair.indexOf('=');
    decodeOption(options, pair.substring(0, equals), pair.substring(equals + 1));
  }
  return options;
}

function decodeOption(options: CatalogueOptions, key: string, value: string): void {
  if (key === 'count') options.count = value === '1';
  else if (key === 'interval') options.interval = countOf(value);
  else if (key === 'rescue') options.rescue = listOf(value);
  else if (key === 'critical') options.critical = value === '1';
  else if (key === 'rate') options.rate = countOf(value);
  else if (key === 'shadow') options.shadow = decodeShadow(value);
  else if (key === 'via') options.via = listOf(value);
  else if (key === 'from') options.from = value;
  else if (key === 'stablefrom') options.stableFrom = value;
  else if (key === 'client') options.clientId = value;
}

function decodeShadow(value: string): Shadow | undefined {
  const parts = value.split(':');
  if (parts.length !== 3) return undefined;
  try {
    const salt = decodeURIComponent(parts[2] as string);
    return { version: parts[0] as string, buckets: countOf(parts[1] as string), salt: salt };
  } catch {
    return undefined;
  }
}

/** A whole number; 0 for what is none. */
function countOf(text: string): number {
  return WHOLE.test(text) ? Number(text) : 0;
}

function listOf(text: string): string[] {
  return text === '' ? [] : text.split(',');
}

/** Reads the value of a release's key; undefined where it is none. */
export function decodeStone(value: string): Offer | undefined {
  const lines = value.split('\n');
  return lines.length === 3 ? decodeOffer(lines, 0) : undefined;
}

function decodeOffer(lines: string[], at: number): Offer | undefined {
  const facts = (lines[at] as string).split(' ');
  if (facts.length !== 5) return undefined;
  return {
    version: facts[0] as string,
    sha256: facts[1] as string,
    md5: facts[2] as string,
    size: Number(facts[3]),
    appSha256: textOf(facts[4] as string),
    esp32fota: lines[at + 1] as string,
    esphome: lines[at + 2] as string,
  };
}

function textOf(word: string): string {
  return word === NOTHING ? '' : word;
}
