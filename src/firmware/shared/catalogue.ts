/**
 * What every NGINX holds of a firmware type: one value of the keyval zone `firmware` under the type's name, which is
 * replaced as a whole. NGINX runs this as well: see version.ts for what njs lacks.
 *
 * The value is seven lines, which njs splits in a tenth of the time that JSON of this size takes it:
 * `1 <revision> <buckets> <salt> <downgrade> <groups>`, then of the stable release and of the candidate
 * `<version> <sha256> <md5> <size> <appSha256>`, the manifest for esp32FOTA and the one for ESPHome. `-` and an empty line
 * stand for what there is not.
 */

/** The keyval zone. */
export const ZONE = 'firmware';

/** Its key that is there once everything has been written: without it, what is missing may only be late. */
export const READY_KEY = '/ready';

/** The longest value, in bytes: up to here NGINX's memory has no page to itself for it. */
export const MAX_CATALOGUE = 2000;

/** The key of a type's value. */
export function typeKey(type: string): string {
  return type;
}

/** The key whose value names the groups that a device is in, with commas between them. */
export function memberKey(type: string, id: string): string {
  return `${type}/id/${id}`;
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
  stable: Offer | undefined;
  candidate: Offer | undefined;
}

const NOTHING = '-';

/** The value of a type's key. Manifests hold no line breaks, and all else no spaces. */
export function encode(catalogue: Catalogue): string {
  const head = [
    '1',
    String(catalogue.revision),
    String(catalogue.buckets),
    catalogue.salt || NOTHING,
    catalogue.downgrade ? '1' : '0',
    catalogue.groups.join(',') || NOTHING,
  ];
  return `${head.join(' ')}\n${encodeOffer(catalogue.stable)}\n${encodeOffer(catalogue.candidate)}`;
}

function encodeOffer(offer: Offer | undefined): string {
  if (offer === undefined) return `${NOTHING}\n\n`;
  const facts = [offer.version, offer.sha256, offer.md5, String(offer.size), offer.appSha256 || NOTHING];
  return `${facts.join(' ')}\n${offer.esp32fota}\n${offer.esphome}`;
}

/** Reads a type's value; undefined where it is none, such as one of another version of sidekick. */
export function decode(value: string): Catalogue | undefined {
  const lines = value.split('\n');
  const head = (lines[0] as string).split(' ');
  if (lines.length !== 7 || head.length !== 6 || head[0] !== '1') return undefined;
  return {
    revision: Number(head[1]),
    buckets: Number(head[2]),
    salt: textOf(head[3] as string),
    downgrade: head[4] === '1',
    groups: head[5] === NOTHING ? [] : (head[5] as string).split(','),
    stable: decodeOffer(lines, 1),
    candidate: decodeOffer(lines, 4),
  };
}

/** The revision of a type's value; -1 where it is none. */
export function revisionOf(value: string): number {
  const found = value.match(/^1 ([0-9]{1,16}) /);
  return found === null ? -1 : Number(found[1]);
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
