/** What every NginxApi does, the one in memory as well as a real NGINX. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../../src/core/address.js';
import type { ActualServer, NginxApi } from '../../../src/core/ports.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import { KINDS, type UpstreamRef } from '../../../src/core/upstream.js';

const SIGNAL = new AbortController().signal;

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

const A = address('127.0.0.1:9001');
const B = address('127.0.0.2:9002');
const V6 = address('[2001:db8::1]:9003');

/** @param group The group of each kind to use; the suite empties it before each test. */
export function nginxContract(api: () => NginxApi, group: (kind: UpstreamRef['kind']) => string): void {
  async function servers(ref: UpstreamRef): Promise<readonly ActualServer[]> {
    return (await api().upstream(ref, SIGNAL)).servers;
  }

  async function only(ref: UpstreamRef): Promise<ActualServer> {
    const [server, ...others] = await servers(ref);
    if (!server || others.length > 0) throw new Error(`expected one server, got ${others.length + 1}`);
    return server;
  }

  it('identifies the running NGINX, and gives the same identity while it is not reloaded', async () => {
    const first = await api().identity(SIGNAL);
    expect(first).toMatchObject({ generation: expect.any(Number), pid: expect.any(Number) });
    expect(await api().identity(SIGNAL)).toEqual(first);
  });

  describe.each(KINDS)('%s upstreams', (kind) => {
    const ref: UpstreamRef = {
      kind,
      get name() {
        return group(kind);
      },
    };

    beforeEach(async () => {
      for (const { id } of await servers(ref)) await api().remove(ref, id, SIGNAL);
    });

    it('lists the names of the groups of the kind', async () => {
      expect(await api().upstreams(kind, SIGNAL)).toContain(ref.name);
    });

    it('adds a server with the defaults', async () => {
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      expect(await only(ref)).toEqual({
        id: expect.any(Number),
        address: A,
        parameters: DEFAULT_PARAMETERS,
        draining: false,
        active: 0,
        failing: false,
      });
    });

    it('adds a server with every parameter', async () => {
      const parameters = {
        ...DEFAULT_PARAMETERS,
        weight: 7,
        max_conns: 100,
        max_fails: 3,
        fail_timeout: '90s',
        slow_start: '60s',
        down: true,
      };
      await api().add(ref, A, parameters, SIGNAL);
      expect((await only(ref)).parameters).toEqual(parameters);
    });

    it('answers an add with the server as NGINX now has it', async () => {
      const parameters = { ...DEFAULT_PARAMETERS, weight: 3, fail_timeout: '60s' };
      const added = await api().add(ref, A, parameters, SIGNAL);
      const { id } = await only(ref);
      expect(added).toEqual({ id, address: A, parameters, draining: false, failing: false });
    });

    it('shows one server by its id, without its counters', async () => {
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      await api().add(ref, B, { ...DEFAULT_PARAMETERS, weight: 2 }, SIGNAL);
      for (const { active: _, ...server } of await servers(ref)) {
        expect(await api().server(ref, server.id, SIGNAL)).toEqual({ ...server, failing: false });
      }
    });

    it('rejects reading a server that is not there', async () => {
      await expect(api().server(ref, 4711, SIGNAL)).rejects.toMatchObject({ status: 404 });
    });

    it('adds an IPv6 server', async () => {
      await api().add(ref, V6, DEFAULT_PARAMETERS, SIGNAL);
      expect((await only(ref)).address).toBe(V6);
    });

    it('accepts the same address twice, under two ids', async () => {
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      const found = await servers(ref);
      expect(found.map((server) => server.address)).toEqual([A, A]);
      expect(new Set(found.map(({ id }) => id)).size).toBe(2);
    });

    it('never assigns an id twice', async () => {
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      const { id } = await only(ref);
      await api().remove(ref, id, SIGNAL);
      await api().add(ref, B, DEFAULT_PARAMETERS, SIGNAL);
      expect((await only(ref)).id).not.toBe(id);
    });

    it('changes the given parameters and no others', async () => {
      await api().add(ref, A, { ...DEFAULT_PARAMETERS, max_conns: 5 }, SIGNAL);
      const { id } = await only(ref);
      await api().update(ref, id, { weight: 9, fail_timeout: '30s' }, SIGNAL);
      expect((await only(ref)).parameters).toEqual({
        ...DEFAULT_PARAMETERS,
        max_conns: 5,
        weight: 9,
        fail_timeout: '30s',
      });
    });

    it('drains a server, and puts it back with down: false', async () => {
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      const { id } = await only(ref);
      await api().drain(ref, id, SIGNAL);
      const drained = await only(ref);
      expect({ draining: drained.draining, down: drained.parameters.down }).toEqual(
        kind === 'http' ? { draining: true, down: false } : { draining: false, down: true },
      );
      await api().update(ref, id, { down: false }, SIGNAL);
      const back = await only(ref);
      expect({ draining: back.draining, down: back.parameters.down }).toEqual({
        draining: false,
        down: false,
      });
    });

    it('removes the server of an id', async () => {
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      await api().add(ref, B, DEFAULT_PARAMETERS, SIGNAL);
      const found = await servers(ref);
      await api().remove(ref, found.find((server) => server.address === A)?.id ?? -1, SIGNAL);
      expect((await only(ref)).address).toBe(B);
    });

    it('refuses to change backup, which is why a change of it is planned as a replacement', async () => {
      await api().add(ref, A, DEFAULT_PARAMETERS, SIGNAL);
      await api().add(ref, B, DEFAULT_PARAMETERS, SIGNAL);
      const { id } = (await servers(ref))[0] as ActualServer;
      await expect(api().update(ref, id, { backup: true }, SIGNAL)).rejects.toMatchObject({
        name: 'NginxError',
        status: 400,
        retryable: false,
      });
    });

    it.each(['update', 'drain', 'remove'] as const)('answers %s of an unknown id with 404', async (what) => {
      const id = 999_999;
      const call = {
        update: () => api().update(ref, id, { weight: 2 }, SIGNAL),
        drain: () => api().drain(ref, id, SIGNAL),
        remove: () => api().remove(ref, id, SIGNAL),
      }[what];
      await expect(call()).rejects.toMatchObject({
        name: 'NginxError',
        code: 'UpstreamServerNotFound',
        status: 404,
        retryable: false,
      });
    });

    it('answers an unknown group with 404', async () => {
      const unknown = { kind, name: 'no-such-group' };
      await expect(api().upstream(unknown, SIGNAL)).rejects.toMatchObject({
        code: 'UpstreamNotFound',
        status: 404,
      });
    });

    it('rejects with the reason of an aborted signal', async () => {
      const reason = new Error('no longer wanted');
      await expect(api().upstream(ref, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });

  it('the API keeps the route of an http server', async () => {
    const ref: UpstreamRef = { kind: 'http', name: group('http') };
    for (const { id } of await servers(ref)) await api().remove(ref, id, SIGNAL);
    await api().add(ref, A, { ...DEFAULT_PARAMETERS, route: 'a' }, SIGNAL);
    expect((await only(ref)).parameters.route).toBe('a');
  });
}
