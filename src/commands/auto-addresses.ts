import { addressOfInterface, addressTowards } from '../adapters/host-address.js';
import { createProbe } from '../adapters/probes/create-probe.js';
import type { ConfiguredAddress } from '../config/engine/formats.js';
import { type Problem, refuseProblems } from '../config/engine/problem.js';
import type { RegisterSettings, ServiceSettings } from '../config/register.js';
import { type Address, hostOf } from '../core/address.js';
import { messageOf } from '../core/errors.js';
import type { Log } from '../core/ports.js';
import type { RegistrarOptions, ServiceSpec } from '../daemon/registrar/options.js';

/** A service that cannot be registered yet, since this host does not have the address that it is to have. */
export interface WaitingService {
  readonly service: string;
  /** As it is written, such as `auto:eth0:8080`. */
  readonly own: string;
  readonly reason: string;
}

/** What is known of one service's address. */
interface Known {
  readonly address?: Address;
  /** Seen once in the place of `address`, and taken when it is seen again: an interface may be on its way up or down. */
  readonly next?: Address;
  readonly reason?: string;
}

type AutoAddress = Exclude<ConfiguredAddress, { readonly address: Address }>;

/** Finds out the address on this host that `auto:` stands for. */
export type FindAddress = (own: AutoAddress, endpoints: readonly string[]) => Promise<Address>;

/** The addresses to register. Those that this host has to find out may come late, and change: they are looked at again and again. */
export class AutoAddresses {
  readonly #log: Log;
  readonly #find: FindAddress;
  /** By what is to be found out, so that it outlives a reload. */
  readonly #known = new Map<string, Known>();

  constructor(log: Log, find: FindAddress = findAddress) {
    this.#log = log;
    this.#find = find;
  }

  /** Looks at every address that has to be found out. Resolves to whether any is another than before. */
  async look({ services, etcd }: RegisterSettings): Promise<boolean> {
    const wanted = new Map<string, AutoAddress>();
    for (const { address: own } of services) if (!('address' in own)) wanted.set(idOf(own), own);
    let changed = false;
    for (const [id, own] of wanted) {
      const before = this.#known.get(id) ?? {};
      const after = await this.#lookAt(own, before, etcd.endpoints);
      this.#known.set(id, after);
      if (after.address === before.address) continue;
      changed = true;
      this.#tell(id, before.address, after.address);
    }
    return changed;
  }

  async #lookAt(own: AutoAddress, before: Known, endpoints: readonly string[]): Promise<Known> {
    try {
      const found = await this.#find(own, endpoints);
      const settled = before.address === undefined || found === before.address || found === before.next;
      return settled ? { address: found } : { address: before.address, next: found };
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== before.reason) {
        const message =
          before.address === undefined
            ? 'the address to register cannot be found out; trying until it can'
            : 'the address to register cannot be found out now: it stays as it was';
        this.#log.warn({ event: 'address-unknown', reason, address: before.address }, message);
      }
      return { ...before, reason };
    }
  }

  #tell(own: string, before: Address | undefined, address: Address | undefined): void {
    const message =
      before === undefined
        ? 'the address to register is found out'
        : 'this host has another address: it is registered, and the one before is drained';
    this.#log.info({ event: 'address-found', own, before, address }, message);
    if (address === undefined || !/^127\.|^::1$/.test(hostOf(address))) return;
    // With etcd on this very host, the way to it does not lead out of it.
    this.#log.warn(
      { event: 'address-loopback', address },
      'the own address is one that only this host can reach: give it, or auto:<interface>:<port>',
    );
  }

  /** The configuration of the services whose addresses are known. Throws a UsageError where two are the same. */
  config({ prefixes, leaseTtl, services, drainTimeout }: RegisterSettings): RegistrarOptions {
    const specs: ServiceSpec[] = [];
    const problems: Problem[] = [];
    const taken = new Set<string>();
    for (const service of services) {
      const address = this.#addressOf(service);
      if (address === undefined) continue;
      const { registration, probe, probeId, health } = service.at(address);
      const instance = `${registration.service} ${address}`;
      if (taken.has(instance)) {
        const reason = `must be one that no other entry of the service has, got ${address} again`;
        problems.push({ key: `${service.label}address`, reason });
      }
      taken.add(instance);
      specs.push({ registration, probe: createProbe(probe), probeId, health });
    }
    refuseProblems(problems);
    return { prefixes, leaseTtl, services: specs, drainTimeout };
  }

  /** The services whose addresses are not known. */
  waiting({ services }: RegisterSettings): readonly WaitingService[] {
    return services.flatMap((settings) => {
      const { service, address: own } = settings;
      if ('address' in own || this.#addressOf(settings) !== undefined) return [];
      const id = idOf(own);
      return [
        { service, own: id, reason: this.#known.get(id)?.reason ?? 'its address is not looked up yet' },
      ];
    });
  }

  #addressOf({ address: own }: ServiceSettings): Address | undefined {
    return 'address' in own ? own.address : this.#known.get(idOf(own))?.address;
  }
}

/** An address that is to be found out, as it is written. */
function idOf({ interface: name, port }: AutoAddress): string {
  return name === undefined ? `auto:${port}` : `auto:${name}:${port}`;
}

/** This host's own address: of an interface, or on the way to etcd. */
async function findAddress(
  { interface: name, port }: AutoAddress,
  endpoints: readonly string[],
): Promise<Address> {
  return name === undefined ? addressTowards(endpoints, port) : addressOfInterface(name, port);
}
