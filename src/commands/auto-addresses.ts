import { addressOfInterface, addressTowards } from '../adapters/host-address.js';
import { createProbe } from '../adapters/probes/create-probe.js';
import type { ConfiguredAddress } from '../config/engine/core-formats.js';
import { type Problem, refuseProblems } from '../config/engine/problem.js';
import type { RegisterSettings, ServiceSettings } from '../config/register.js';
import { type Address, hostOf } from '../core/address.js';
import { messageOf } from '../core/errors.js';
import type { Log } from '../core/ports.js';
import type { RegistrarOptions, ServiceSpec } from '../daemon/registrar/options.js';

/** A service that cannot be registered yet, because its `auto:` address is unknown. */
interface UnaddressedService {
  readonly service: string;
  /** As it is configured, such as `auto:eth0:8080`. */
  readonly auto: string;
  readonly reason: string;
}

/** What is known of one `auto:` address. */
interface Lookup {
  readonly address?: Address;
  /** Another address that was found once. It is used when it is found again: an interface may be going up or down. */
  readonly next?: Address;
  readonly reason?: string;
}

type AutoAddress = Exclude<ConfiguredAddress, { readonly address: Address }>;

/** Finds the address of this host that `auto:` stands for. */
export type FindAddress = (auto: AutoAddress, endpoints: readonly string[]) => Promise<Address>;

/** The addresses to register. Those given as `auto:` are looked up again and again, since they may come late and change. */
export class AutoAddresses {
  readonly #log: Log;
  readonly #find: FindAddress;
  /** By the configured text, so that an address stays known over a reload. */
  readonly #lookups = new Map<string, Lookup>();

  constructor(log: Log, find: FindAddress = findAddress) {
    this.#log = log;
    this.#find = find;
  }

  /** Looks up every `auto:` address. Resolves to whether any has changed. */
  async refresh({ services, etcd }: RegisterSettings): Promise<boolean> {
    const wanted = new Map<string, AutoAddress>();
    for (const { address } of services) if (!('address' in address)) wanted.set(textOf(address), address);
    let changed = false;
    for (const [text, auto] of wanted) {
      const before = this.#lookups.get(text) ?? {};
      const after = await this.#lookUp(auto, before, etcd.endpoints);
      this.#lookups.set(text, after);
      if (after.address === before.address) continue;
      changed = true;
      this.#logFound(text, before.address, after.address);
    }
    return changed;
  }

  async #lookUp(auto: AutoAddress, before: Lookup, endpoints: readonly string[]): Promise<Lookup> {
    try {
      const found = await this.#find(auto, endpoints);
      const settled = before.address === undefined || found === before.address || found === before.next;
      return settled ? { address: found } : { address: before.address, next: found };
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== before.reason) {
        const message =
          before.address === undefined
            ? 'the address to register is unknown: retrying'
            : 'the address to register can no longer be found: keeping the last one';
        this.#log.warn({ event: 'address-unknown', reason, address: before.address }, message);
      }
      return { ...before, reason };
    }
  }

  #logFound(auto: string, before: Address | undefined, address: Address | undefined): void {
    const message =
      before === undefined
        ? 'found the address to register'
        : 'the address of this host has changed: registering the new one and draining the old one';
    this.#log.info({ event: 'address-found', auto, before, address }, message);
    if (address === undefined || !/^127\.|^::1$/.test(hostOf(address))) return;
    // If etcd runs on this host, the route to it does not leave the host.
    this.#log.warn(
      { event: 'address-local', address },
      'only this host can reach the address to register: give the address itself, or auto:<interface>:<port>',
    );
  }

  /** The options of the services whose addresses are known. Throws a UsageError if two are the same instance. */
  options({ prefixes, leaseTtl, services, drainTimeout }: RegisterSettings): RegistrarOptions {
    const specs: ServiceSpec[] = [];
    const problems: Problem[] = [];
    const taken = new Set<string>();
    for (const service of services) {
      const address = this.#addressOf(service);
      if (address === undefined) continue;
      const { registration, probe, probeId, health } = service.at(address);
      const instance = `${registration.service} ${address}`;
      if (taken.has(instance)) {
        const reason = `must be different from that of every other entry of the service, got ${address} again`;
        problems.push({ key: `${service.label}address`, reason });
      }
      taken.add(instance);
      specs.push({ registration, probe: createProbe(probe), probeId, health });
    }
    refuseProblems(problems);
    return { prefixes, leaseTtl, services: specs, drainTimeout };
  }

  /** The services whose addresses are unknown. */
  unaddressed({ services }: RegisterSettings): readonly UnaddressedService[] {
    return services.flatMap((settings) => {
      const { service, address } = settings;
      if ('address' in address || this.#addressOf(settings) !== undefined) return [];
      const auto = textOf(address);
      const reason = this.#lookups.get(auto)?.reason ?? 'its address has not been looked up yet';
      return [{ service, auto, reason }];
    });
  }

  #addressOf({ address }: ServiceSettings): Address | undefined {
    return 'address' in address ? address.address : this.#lookups.get(textOf(address))?.address;
  }
}

/** An `auto:` address as it is configured. */
function textOf({ interface: name, port }: AutoAddress): string {
  return name === undefined ? `auto:${port}` : `auto:${name}:${port}`;
}

/** The address of an interface, or the one from which this host reaches etcd. */
async function findAddress(
  { interface: name, port }: AutoAddress,
  endpoints: readonly string[],
): Promise<Address> {
  return name === undefined ? addressTowards(endpoints, port) : addressOfInterface(name, port);
}
