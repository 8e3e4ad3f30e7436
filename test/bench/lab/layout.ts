/** What is registered before a measurement: so many servers, spread evenly over so many upstream groups. Pure. */

export interface Layout {
  readonly groups: number;
  readonly servers: number;
}

/** An instance of a service; the service's upstream group bears its name. */
export interface Instance {
  readonly service: string;
  readonly address: string;
}

export const SERVICES = '/services/';

/** The nth address, from 0 on: in the range for benchmarks (RFC 2544), which has 131,072. */
function addressOf(nth: number): string {
  return `198.${18 + (nth >> 16)}.${(nth >> 8) & 255}.${nth & 255}:8080`;
}

/** The nth instance of a layout; those from `servers` on are registered by nobody yet. */
export function instanceOf({ groups }: Layout, nth: number): Instance {
  return { service: `group-${nth % groups}`, address: addressOf(nth) };
}

export function servicesOf({ groups }: Layout): readonly string[] {
  return Array.from({ length: groups }, (_, group) => `group-${group}`);
}

/** The instances that are registered. */
export function instancesOf(layout: Layout): readonly Instance[] {
  return Array.from({ length: layout.servers }, (_, nth) => instanceOf(layout, nth));
}

export function keyOf({ service, address }: Instance): string {
  return `${SERVICES}${service}/${address}`;
}

/** `1,000 servers in one group`. */
export function nameOf({ groups, servers }: Layout): string {
  return `${servers.toLocaleString('en-US')} servers in ${groups === 1 ? 'one group' : `${groups} groups`}`;
}
