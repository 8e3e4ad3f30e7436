/** What may happen to the world, as random commands. */

import type { Address } from '../../../src/core/address.js';
import { NginxError } from '../../../src/core/errors.js';
import type { FakeFault, FakeNginx } from '../fake-nginx.js';
import { fc } from '../property.js';
import { host } from '../watching.js';
import { SERVICES, type World } from './world.js';

/** One thing that happens. Its text says what, for the report of a failure. */
export interface Command {
  readonly text: string;
  run(world: World): void | Promise<void>;
}

function command(text: string, run: Command['run']): Command {
  return { text, run, [fc.toStringMethod]: () => text } as Command;
}

const HOSTS = [1, 2, 3, 4, 5].map(host);

const instance = fc.record({ target: fc.constantFrom(...SERVICES), address: fc.constantFrom(...HOSTS) });

/** The index of an NGINX; a world with one has only that. */
const nginx = fc.nat({ max: 1 });

function at(world: World, index: number): FakeNginx {
  const found = world.nginx[index % world.nginx.length];
  if (!found) throw new Error('a world without NGINX');
  return found;
}

const value = fc.record(
  {
    weight: fc.constantFrom(1, 2, 5),
    max_conns: fc.constantFrom(0, 7),
    backup: fc.constant(true),
    down: fc.constant(true),
  },
  { requiredKeys: ['weight'] },
);

const usualValue = fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: value });

const register = fc.tuple(instance, usualValue).map(
  ([
    {
      target: [service],
      address,
    },
    given,
  ]) =>
    command(`register ${service} ${address} ${JSON.stringify(given)}`, (world) =>
      world.register(service, address, given),
    ),
);

type InstanceCommand = (
  world: World,
  service: string,
  address: Address,
  ref: (typeof SERVICES)[number][1],
) => void;

function ofInstance(name: string, run: InstanceCommand): fc.Arbitrary<Command> {
  return instance.map(({ target: [service, ref], address }) =>
    command(`${name} ${service} ${address}`, (world) => run(world, service, address, ref)),
  );
}

const drain = ofInstance('drain', (world, service, address) => {
  if (world.isRegistered(service, address)) world.register(service, address, { drain: true });
});

const leave = ofInstance('leave', (world, service, address) => {
  world.registry.delete(`/services/${service}/${address}`);
});

const expire = ofInstance('expire', (world, service, address) => world.expire(service, address));

const die = ofInstance('die', (world, _, address) => {
  world.dead.add(address);
});

const revive = ofInstance('revive', (world, _, address) => {
  world.dead.delete(address);
});

const spoil = ofInstance('spoil', (world, service, address) => {
  world.register(service, address, { weight: -1 });
});

const maintain = ofInstance('maintain', (world, service, address) => {
  world.registry.write(`/sidekick/maintenance/${service}/${address}`, '');
});

const unmaintain = ofInstance('unmaintain', (world, service, address) => {
  world.registry.delete(`/sidekick/maintenance/${service}/${address}`);
});

const busy = fc
  .tuple(ofSession(), nginx)
  .map(([{ text, set }, index]) => command(text, (world) => set(at(world, index))));

function ofSession(): fc.Arbitrary<{ text: string; set: (nginx: FakeNginx) => void }> {
  const state = fc.constantFrom({ active: 2 }, { active: 0 }, { failing: true }, { failing: false });
  return fc.tuple(instance, state).map(
    ([
      {
        target: [, ref],
        address,
      },
      given,
    ]) => ({
      text: `${ref.name} ${address} is ${JSON.stringify(given)}`,
      set: (each: FakeNginx) => each.set(ref, address, given),
    }),
  );
}

/** Somebody else adds a server. */
const meddle = fc.tuple(instance, nginx).map(
  ([
    {
      target: [, ref],
      address,
    },
    index,
  ]) =>
    command(`somebody adds ${address} to ${ref.name} of ${index}`, (world) => {
      world.meddle(address);
      at(world, index).place(ref, address);
    }),
);

/** Somebody else changes a server behind the watchers' backs: what they know of NGINX is out of date. */
const meddleWith = fc
  .tuple(
    instance,
    nginx,
    fc.constantFrom('drain' as const, 'down' as const, 'up' as const, 'remove' as const),
  )
  .map(
    ([
      {
        target: [, ref],
        address,
      },
      index,
      how,
    ]) =>
      command(`somebody does ${how} to ${address} in ${ref.name} of ${index}`, (world) =>
        world.meddleWith(at(world, index), ref, address, how),
      ),
  );

const wipe = fc.constantFrom(...SERVICES).map(([service]) =>
  command(`wipe ${service}`, (world) => {
    for (const address of HOSTS) world.registry.delete(`/services/${service}/${address}`);
  }),
);

const unhold = fc.constantFrom(...SERVICES).map(([service]) =>
  command(`unhold ${service}`, (world) => {
    world.registry.write(`/sidekick/unhold/${service}`, '');
  }),
);

const error = (code: string, status?: number) => new NginxError(code, `the model says ${code}`, { status });

const FAULTS: Readonly<Record<string, () => FakeFault>> = {
  'answers 500': () => ({ before: error('Internal', 500) }),
  'answers 503 after doing it': () => ({ after: error('Busy', 503) }),
  'times out': () => ({ before: error('TIMEOUT') }),
  'times out after doing it': () => ({ after: error('TIMEOUT') }),
  resets: () => ({ before: error('UNREACHABLE') }),
  'resets after doing it': () => ({ after: error('UNREACHABLE') }),
  'answers 404': () => ({ before: error('UpstreamServerNotFound', 404) }),
  'answers 405': () => ({ before: error('MethodDisabled', 405) }),
  'is out of memory': () => ({ before: error('UpstreamOutOfMemory', 400) }),
  'loses its answer': () => ({ after: error('TIMEOUT') }),
  'is slow': () => ({ hold: new Promise((resolve) => setTimeout(resolve, 3_000)) }),
};

const methods = ['identity', 'upstreams', 'upstream', 'add', 'update', 'drain', 'remove', 'any'] as const;

const fault = fc
  .tuple(
    nginx,
    fc.constantFrom(...methods),
    fc.constantFrom(...Object.keys(FAULTS)),
    fc.integer({ min: 1, max: 8 }),
  )
  .map(([index, method, kind, times]) =>
    command(`${method} of ${index} ${kind}, ${times} times`, (world) => {
      world.fault(at(world, index), { method, times, fault: FAULTS[kind] ?? (() => ({})) });
    }),
  );

function ofNginx(name: string, run: (each: FakeNginx) => void): fc.Arbitrary<Command> {
  return nginx.map((index) =>
    command(`${name} ${index}`, (world) => {
      world.disturb();
      run(at(world, index));
    }),
  );
}

const reload = ofNginx('reload', (each) => each.reload());
const restart = ofNginx('restart', (each) => each.restart());
const stop = ofNginx('stop', (each) => each.stop());
const answer = ofNginx('answer', (each) => each.answer());

/** NGINX is reloaded, or restarted, right after it has answered a look, and before the call that goes by it. */
const reloadAfter = fc
  .tuple(
    nginx,
    fc.constantFrom('upstream' as const, 'server' as const, 'add' as const),
    fc.constantFrom('reload' as const, 'restart' as const),
  )
  .map(([index, method, what]) =>
    command(`${what} of ${index} right after its next ${method}`, (world) => {
      const each = at(world, index);
      world.fault(each, {
        method,
        times: 1,
        fault: () => ({
          afterwards: () => {
            world.disturb();
            each[what]();
          },
        }),
      });
    }),
  );

/** Both watchers know the group when an instance comes: both add it. */
const bothAdd = instance.map(({ target: [service], address }) =>
  command(`lb1 and lb2 both see ${service} ${address} come`, async (world) => {
    world.registry.fault('none');
    world.startWatcher('lb1');
    world.startWatcher('lb2');
    world.registry.delete(`/services/${service}/${address}`);
    await world.pass(6_000);
    world.register(service, address, {});
    await world.pass(0);
  }),
);

/** The answer to a change of a group at rest is lost, and more changes follow at once. */
const loseAnswer = fc
  .tuple(instance, nginx, fc.constantFrom('add' as const, 'update' as const, 'drain' as const))
  .map(
    ([
      {
        target: [service],
        address,
      },
      index,
      method,
    ]) =>
      command(
        `the answer to the next ${method} of ${index}, for ${service} ${address}, is lost`,
        async (world) => {
          await world.pass(2_000);
          world.fault(at(world, index), {
            method,
            times: 1,
            fault: FAULTS['loses its answer'] ?? (() => ({})),
          });
          const value = { add: {}, update: { weight: 9 }, drain: { drain: true } }[method];
          world.register(service, address, value);
          await world.pass(0);
          world.register(service, address, { weight: 3 });
          await world.pass(10);
        },
      ),
  );

const etcd = fc
  .constantFrom('down' as const, 'frozen' as const, 'none' as const, 'none' as const)
  .map((kind) => command(`etcd: ${kind}`, (world) => world.registry.fault(kind)));

const watcher = fc
  .tuple(
    fc.constantFrom('lb1', 'lb1', 'lb2'),
    fc.constantFrom('start' as const, 'start' as const, 'stop' as const, 'kill' as const),
  )
  .map(([id, what]) =>
    command(`${what} ${id}`, (world) =>
      what === 'start' ? world.startWatcher(id) : world.endWatcher(id, what),
    ),
  );

const loseLeases = fc.constant(
  command('the watchers lose their leases', (world) => {
    for (const key of world.registry.keys()) {
      const lease = world.registry.get(key)?.lease;
      if (key.startsWith('/sidekick/') && lease !== undefined) world.registry.expire(lease);
    }
  }),
);

const pass = fc
  .constantFrom(0, 10, 60, 200, 700, 2_000, 6_000)
  .map((ms) => command(`${ms} ms pass`, (world) => world.pass(ms)));

/** Any one thing; registrations, and time, more often than the rest. */
const anything: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: register },
  { weight: 14, arbitrary: pass },
  { weight: 4, arbitrary: drain },
  { weight: 4, arbitrary: leave },
  { weight: 3, arbitrary: expire },
  { weight: 2, arbitrary: die },
  { weight: 2, arbitrary: revive },
  { weight: 1, arbitrary: spoil },
  { weight: 2, arbitrary: maintain },
  { weight: 2, arbitrary: unmaintain },
  { weight: 4, arbitrary: busy },
  { weight: 1, arbitrary: meddle },
  { weight: 3, arbitrary: meddleWith },
  { weight: 1, arbitrary: wipe },
  { weight: 1, arbitrary: unhold },
  { weight: 6, arbitrary: fault },
  { weight: 2, arbitrary: reload },
  { weight: 2, arbitrary: restart },
  { weight: 2, arbitrary: reloadAfter },
  { weight: 1, arbitrary: bothAdd },
  { weight: 2, arbitrary: loseAnswer },
  { weight: 1, arbitrary: stop },
  { weight: 2, arbitrary: answer },
  { weight: 2, arbitrary: etcd },
  { weight: 3, arbitrary: watcher },
  { weight: 1, arbitrary: loseLeases },
);

export const histories: fc.Arbitrary<Command[]> = fc.array(anything, {
  minLength: 1,
  maxLength: 40,
  size: 'max',
});
