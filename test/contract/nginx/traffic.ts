/** What every TrafficApi does, the one in memory as well as a real NGINX. */
import { beforeEach, describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import type { Address } from '../../../src/core/address.js';
import type { NginxApi, TrafficApi } from '../../../src/core/ports.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import { KINDS, type UpstreamRef } from '../../../src/core/upstream.js';
import { until } from '../../support/containers/until.js';

/** What the suite is run on. The suite empties both groups before each test. */
export interface TrafficSubject {
  readonly api: NginxApi & TrafficApi;
  readonly groups: Readonly<Record<UpstreamRef['kind'], string>>;
  /** Two addresses of each kind: the suite gives requests and sessions to the first only. */
  readonly addresses: Readonly<Record<UpstreamRef['kind'], readonly [Address, Address]>>;
  /** Begins one request (http) or session (stream) in the group, and resolves with what ends it. */
  begin(ref: UpstreamRef): Promise<() => Promise<void>>;
}

export function trafficContract(subject: () => TrafficSubject): void {
  describe.each(KINDS)('the traffic of %s upstreams', (kind) => {
    const ref: UpstreamRef = {
      kind,
      get name() {
        return subject().groups[kind];
      },
    };
    let addresses: readonly [Address, Address];

    beforeEach(async () => {
      const { api } = subject();
      addresses = subject().addresses[kind];
      for (const { id } of (await api.upstream(ref, NEVER)).servers) await api.remove(ref, id, NEVER);
    });

    async function add(...all: Address[]): Promise<void> {
      for (const address of all) await subject().api.add(ref, address, DEFAULT_PARAMETERS, NEVER);
    }

    async function counters(): Promise<Record<string, unknown>> {
      return Object.fromEntries(await subject().api.traffic(ref, NEVER));
    }

    /** NGINX counts the end of a request after its client has it. */
    async function idle(): Promise<Record<string, unknown>> {
      return until('nothing is open', async () => {
        const traffic = [...(await subject().api.traffic(ref, NEVER)).values()];
        return traffic.every(({ active }) => active === 0) && counters();
      });
    }

    it('is empty where the group is', async () => {
      expect(await counters()).toEqual({});
    });

    it('is 0 for a server that was given nothing', async () => {
      await add(addresses[0]);
      expect(await counters()).toEqual({ [addresses[0]]: { active: 0, total: 0 } });
    });

    it('counts what a server has open, and what it was given', async () => {
      await add(addresses[0]);
      const ends = [await subject().begin(ref), await subject().begin(ref)];
      expect(await counters()).toEqual({ [addresses[0]]: { active: 2, total: 2 } });
      for (const end of ends) await end();
      expect(await idle()).toEqual({ [addresses[0]]: { active: 0, total: 2 } });
    });

    it('is counted for each server by itself', async () => {
      const [one, other] = addresses;
      await add(one);
      const end = await subject().begin(ref);
      await add(other);
      expect(await counters()).toEqual({
        [one]: { active: 1, total: 1 },
        [other]: { active: 0, total: 0 },
      });
      await end();
    });

    it('is the sum where a group has an address twice', async () => {
      const [address] = addresses;
      await add(address, address);
      const ends = [];
      for (let i = 0; i < 4; i++) ends.push(await subject().begin(ref));
      expect(await counters()).toEqual({ [address]: { active: 4, total: 4 } });
      for (const end of ends) await end();
    });

    it('is refused with 404 for a group that NGINX does not have', async () => {
      await expect(subject().api.traffic({ kind, name: 'no-such-group' }, NEVER)).rejects.toMatchObject({
        name: 'NginxError',
        code: 'UpstreamNotFound',
        status: 404,
      });
    });

    it('rejects with the reason of an aborted signal', async () => {
      const reason = new Error('no longer wanted');
      await expect(subject().api.traffic(ref, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
