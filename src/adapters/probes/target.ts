import { isIP } from 'node:net';

/** A host, which may be a name, and a port. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, or `[host]:port` for IPv6. Throws a TypeError: configuration has been checked before. */
export function parseTarget(text: string): Target {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined) throw new TypeError(`a probe's target must be host:port, got ${text}`);
  return { host, port: Number(parts?.[3]) };
}

/** The name for SNI, which must not be an IP address (RFC 6066, section 3). */
export function serverNameFor(host: string): string {
  return isIP(host) ? '' : host;
}
