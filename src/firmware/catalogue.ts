import { err, ok, type Result } from '../core/result.js';
import { entryOf, type Steps, stonesBelow } from './chain.js';
import { chipByName } from './chips.js';
import { newestFirst, type ReleaseId } from './names.js';
import { blobPath, type Release } from './release.js';
import type { Rollout } from './rollout.js';
import {
  type CatalogueOptions,
  encode,
  encodeOffer,
  MAX_CATALOGUE,
  noOptions,
  type Offer,
} from './shared/catalogue.js';
import { regionOf, typeOf } from './shared/region.js';
import type { FirmwareType } from './type-record.js';

/** What a type's catalogue value is made from. All of it is from one revision of etcd. */
export interface CatalogueInput {
  readonly type: string;
  readonly record: FirmwareType;
  readonly rollout: Rollout;
  /** The releases that may be offered: every firmware server has their files, and devices can reach them. */
  readonly releases: ReadonlyMap<ReleaseId, Release>;
  /** The releases that decide the way of a device to another release, see `stepsOf`; default `releases`. */
  readonly steps?: Steps;
  /** Where devices fetch files, such as `https://ota.example.com`: without a slash at its end. */
  readonly origin: string;
  readonly revision: number;
}

/** How many of the 10,000 buckets a percentage takes in. */
export function bucketsOf(percent: number): number {
  return Math.round(percent * 100);
}

/**
 * The value that every NGINX has of a type. A release that the rollout names is offered only if it is among the releases.
 * A paused candidate is offered to nobody; it stays in the value, because NGINX must recognise devices that run it.
 */
export function renderCatalogue(input: CatalogueInput): Result<string> {
  const { rollout, revision } = input;
  const candidate = offerOf(input, rollout.candidate?.version);
  const offered = candidate === undefined || rollout.paused !== undefined ? undefined : rollout.candidate;
  const value = encode({
    revision,
    buckets: offered === undefined ? 0 : bucketsOf(offered.percent),
    salt: offered?.salt ?? '',
    downgrade: rollout.downgrade,
    groups: [...(offered?.groups ?? [])],
    options: optionsOf(input),
    stable: offerOf(input, rollout.stable),
    candidate,
  });
  const size = new TextEncoder().encode(value).length;
  if (size <= MAX_CATALOGUE) return ok(value);
  return err(
    `the catalogue of ${input.type} would be ${size} bytes, of at most ${MAX_CATALOGUE}: ` +
      'use fewer groups, shorter names, or fewer answer forms',
  );
}

/** The stepping stones below what the rollout offers, the lowest first: every NGINX leads devices from one to the next. */
export function stonesOf({ rollout, releases, steps = releases }: StonesInput): readonly ReleaseId[] {
  const targets = [rollout.stable, rollout.candidate?.version].filter((id) => id !== undefined);
  const highest = newestFirst(targets.filter((id) => releases.has(id)))[0];
  return highest === undefined ? [] : stonesBelow(steps, highest);
}

type StonesInput = Pick<CatalogueInput, 'rollout' | 'releases' | 'steps'>;

/** The value of the key of a stepping stone; undefined where it may not be offered. */
export function renderStone(input: CatalogueInput, id: ReleaseId): string | undefined {
  const offer = offerOf(input, id);
  return offer && encodeOffer(offer);
}

function optionsOf(input: CatalogueInput): CatalogueOptions {
  const { rollout, releases, steps = releases } = input;
  const { stable, candidate, paused } = rollout;
  const offered = paused === undefined ? candidate?.version : undefined;
  const entry = (id: ReleaseId | undefined) => (id === undefined ? '' : (entryOf(steps, id) ?? ''));
  const newest = releases.get(offered ?? '') ?? releases.get(stable ?? '');
  return {
    ...noOptions(),
    ...followed(input),
    critical: newest?.critical === true,
    via: [...stonesOf(input)],
    from: entry(candidate?.version),
    stableFrom: entry(stable),
  };
}

/** How the candidate is counted, and whom it rescues. A pause ends the offers; the counting goes on. */
function followed({ rollout, releases, record }: CatalogueInput): Partial<CatalogueOptions> {
  const { candidate, paused, shadow } = rollout;
  const asPublished = (id: ReleaseId) => releases.get(id)?.version ?? id;
  return {
    count: candidate !== undefined,
    interval: candidate?.interval ?? 0,
    rescue: paused === undefined ? (candidate?.rescue ?? []).map(asPublished) : [],
    rate: candidate?.rate ?? 0,
    clientId: candidate === undefined ? '' : (record.clientId ?? ''),
    shadow: shadow && {
      version: asPublished(shadow.version),
      buckets: bucketsOf(shadow.percent),
      salt: shadow.salt,
    },
  };
}

function offerOf(input: CatalogueInput, id: ReleaseId | undefined): Offer | undefined {
  const release = id === undefined ? undefined : input.releases.get(id);
  if (release === undefined) return undefined;
  const { plain, image, version } = release;
  const { forms } = input.record;
  return {
    version,
    ...plain,
    appSha256: image.appSha256 ?? '',
    esp32fota: forms.includes('esp32fota') ? esp32fotaManifest(input, release) : '',
    esphome: forms.includes('esphome') ? esphomeManifest(input, release) : '',
  };
}

/** esp32FOTA reads `type`, `version` and `url`, and ignores the rest. Source: esp32FOTA 0.3.0. */
function esp32fotaManifest({ type, origin }: CatalogueInput, release: Release): string {
  const { version, plain, signed, critical } = release;
  const { sha256, size } = signed ?? plain;
  // The oldest clients take nothing but a number.
  const stated = /^\d+$/.test(version) ? Number(version) : version;
  const url = `${origin}${blobPath(sha256)}`;
  const region = regionOf(type) || undefined;
  const fields = { type: typeOf(type), region, version: stated, url, sha256, size, critical };
  return JSON.stringify({ ...fields, ...signatureFields(release) });
}

/** What a device needs to check a release's signature, beside the fields of every answer: see `signedText`. */
function signatureFields({ plain, signed, from, through, signature }: Release): object {
  if (signature === undefined) return {};
  return {
    ...(signed && { plain: { sha256: plain.sha256, size: plain.size } }),
    from,
    through,
    notBefore: Date.parse(signature.notBefore) / 1000,
    expires: Date.parse(signature.expires) / 1000,
    key: signature.keyId,
    sig: signature.value,
  };
}

/** The manifest of ESPHome's `update: http_request`. Source: esphome.io, components/update/http_request. */
function esphomeManifest({ type, record }: CatalogueInput, { version, plain }: Release): string {
  const chipFamily = chipByName(record.chip)?.family ?? record.chip;
  const ota = { path: blobPath(plain.sha256), md5: plain.md5 };
  return JSON.stringify({ name: typeOf(type), version, builds: [{ chipFamily, ota }] });
}
