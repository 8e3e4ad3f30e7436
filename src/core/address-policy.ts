import ipaddr from 'ipaddr.js';
import { type Address, hostOf, isWithin, type Networks } from './address.js';

/** For each service the networks in which its instances may lie; `*` for every service that is not named. */
export type Allow = Readonly<Record<string, Networks>>;

type Ip = ReturnType<typeof ipaddr.parse>;

interface Range {
  readonly what: string;
  /** The prefix length of the whole range. */
  readonly bits: { readonly ipv4: number; readonly ipv6: number };
}

/** Ranges whose addresses mean the host itself or no single host, under the names of ipaddr.js. */
const SPECIAL: Readonly<Record<string, Range>> = {
  unspecified: { what: 'an unspecified address, which means this host', bits: { ipv4: 8, ipv6: 128 } },
  loopback: { what: 'a loopback address', bits: { ipv4: 8, ipv6: 128 } },
  linkLocal: { what: 'a link-local address', bits: { ipv4: 16, ipv6: 10 } },
  multicast: { what: 'a multicast address', bits: { ipv4: 4, ipv6: 8 } },
  broadcast: { what: 'the broadcast address', bits: { ipv4: 32, ipv6: 128 } },
};

const OWN: Range = { what: "one of the load balancer's own addresses", bits: { ipv4: 32, ipv6: 128 } };

/**
 * Returns why a server may not be at this address, undefined if it may. Whoever can write a key must not be able to open
 * the load balancer's own ports to the public. So the load balancer's addresses are refused, and addresses that mean the
 * host itself or no single host. `allow` permits them on purpose: by a network inside such a range (`127.0.0.0/8`), by the
 * exact address (`10.0.0.5/32`), or by everything (`0.0.0.0/0`). A wider network that contains the load balancer's
 * address, such as `10.0.0.0/8`, does not permit it.
 * @param own The load balancer's own addresses.
 */
export function refusedAddress(
  service: string,
  address: Address,
  allow: Allow,
  own: Networks,
): string | undefined {
  const networks = allowedFor(service, allow);
  if (networks && !isWithin(address, networks)) {
    return `address ${address} is in none of the networks allowed for ${service}`;
  }
  for (const ip of meanings(ipaddr.parse(hostOf(address)))) {
    const range = SPECIAL[ip.range()] ?? (isIn(ip, own) ? OWN : undefined);
    if (!range || networks?.some((network) => isOnPurpose(network, ip, range))) continue;
    const single = `${ip.toString()}/${ip.kind() === 'ipv4' ? 32 : 128}`;
    return `address ${address} is ${range.what}: a server there could open the load balancer's own ports to the public; if it is meant, add ${single} to allow`;
  }
  return undefined;
}

/** The networks of `own` that decide anything: an address in a special range is refused for that, whoever has it. */
export function withoutSpecial(own: Networks): Networks {
  return own.filter(([network, bits]) => {
    const special = SPECIAL[network.range()];
    return !special || bits < special.bits[network.kind()];
  });
}

/** Whether the address, or an IPv4 address inside it, lies in one of the networks. */
export function meansAnyOf(address: Address, networks: Networks): boolean {
  return meanings(ipaddr.parse(hostOf(address))).some((ip) => isIn(ip, networks));
}

function allowedFor(service: string, allow: Allow): Networks | undefined {
  if (Object.hasOwn(allow, service)) return allow[service];
  return Object.hasOwn(allow, '*') ? allow['*'] : undefined;
}

/** The address itself, and the IPv4 address inside an IPv6 address: mapped, translated, compatible, NAT64 or 6to4. */
function meanings(host: Ip): readonly Ip[] {
  if (!(host instanceof ipaddr.IPv6)) return [host];
  const bytes = host.toByteArray();
  const range: string = host.range();
  const embedded = () => {
    if (range === '6to4') return bytes.slice(2, 6);
    const isCompatible =
      bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12).some((byte) => byte > 1);
    return ['ipv4Mapped', 'rfc6145', 'rfc6052'].includes(range) || isCompatible ? bytes.slice(12) : undefined;
  };
  const v4 = embedded();
  return v4 ? [host, new ipaddr.IPv4(v4)] : [host];
}

function isIn(ip: Ip, networks: Networks): boolean {
  return networks.some(([network, bits]) => ip.kind() === network.kind() && ip.match(network, bits));
}

/** Whether an allowed network lies inside this range, or contains every address. */
function isOnPurpose([network, bits]: Networks[number], ip: Ip, range: Range): boolean {
  return isIn(ip, [[network, bits]]) && (bits === 0 || bits >= range.bits[ip.kind()]);
}
