/** The two kinds of NGINX upstream groups: `http` for requests, `stream` for TCP connections such as MQTT. */
export type Kind = 'http' | 'stream';

export const KINDS: readonly Kind[] = ['http', 'stream'];

/** One upstream group of one NGINX. */
export interface UpstreamRef {
  readonly kind: Kind;
  readonly name: string;
}

/** A map key for an upstream group: `http/firmware`. */
export type UpstreamId = `${Kind}/${string}`;

export function upstreamId(ref: UpstreamRef): UpstreamId {
  return `${ref.kind}/${ref.name}`;
}

export function upstreamRef(id: UpstreamId): UpstreamRef {
  const slash = id.indexOf('/');
  return { kind: id.slice(0, slash) as Kind, name: id.slice(slash + 1) };
}
