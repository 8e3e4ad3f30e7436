/** What can befall a cluster, each for a time, and each mended when it resolves. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdConnection } from '../../src/adapters/etcd/connect.js';
import type { Dice } from '../support/dice.js';
import { NEVER } from '../support/registrar/harness.js';
import type { Cluster, Member } from './cluster.js';

export interface World {
  readonly cluster: Cluster;
  /** A connection of the test's own. */
  readonly etcd: EtcdConnection;
  /** The registration's key. */
  readonly key: string;
  readonly ttl: number;
  readonly dice: Dice;
}

export interface Fault {
  readonly name: string;
  /** Whether the registration may be missing meanwhile; by default not where a majority of the cluster is well all the time. */
  readonly mayLapse: boolean;
  /** Does it, waits, and mends it. */
  readonly strike: (world: World) => Promise<void>;
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'leader killed',
    // A new leader gives every lease its full time again.
    mayLapse: false,
    async strike({ cluster, ttl, dice }) {
      const leader = await cluster.leader();
      await leader.container.kill();
      await delay(dice.between(0, 2 * ttl));
      await leader.container.start();
    },
  },
  {
    name: 'member partitioned',
    mayLapse: false,
    async strike({ cluster, ttl, dice }) {
      cluster.isolate(dice.pick(cluster.members));
      await delay(dice.between(0.2 * ttl, 2 * ttl));
      cluster.join();
    },
  },
  {
    name: 'follower frozen',
    mayLapse: false,
    async strike({ cluster, ttl, dice }) {
      const leader = await cluster.leader();
      const followers = cluster.members.filter((member) => member !== leader);
      await frozen([dice.pick(followers)], dice.between(0.2 * ttl, 2 * ttl));
    },
  },
  {
    name: 'leader frozen',
    // A leader that wakes up after another was chosen may end leases that the other had renewed (etcd-io/etcd#15247).
    mayLapse: true,
    async strike({ cluster, ttl, dice }) {
      await frozen([await cluster.leader()], dice.between(0.5 * ttl, 2 * ttl));
    },
  },
  {
    name: 'leader partitioned',
    mayLapse: false,
    async strike({ cluster, ttl, dice }) {
      cluster.isolate(await cluster.leader());
      await delay(dice.between(0.5 * ttl, 2 * ttl));
      cluster.join();
    },
  },
  {
    name: 'cluster frozen',
    mayLapse: true,
    async strike({ cluster, ttl, dice }) {
      await frozen(cluster.members, dice.between(0.2 * ttl, 2 * ttl));
    },
  },
  {
    name: 'cluster down for 3 TTL',
    mayLapse: true,
    async strike({ cluster, ttl, dice }) {
      await cluster.each((member) => member.container.kill());
      await delay(3 * ttl + dice.between(0, ttl));
      await cluster.each((member) => member.container.start());
    },
  },
  {
    name: 'restored from an older snapshot',
    mayLapse: true,
    async strike({ cluster, etcd, key, ttl, dice }) {
      // Sometimes from before the registration was there, sometimes with the lease it has lost since.
      const early = dice.chance();
      if (early) await etcd.store.remove(key, {}, NEVER);
      await cluster.snapshot();
      const lease = (await etcd.store.read([key], NEVER)).get(key)?.lease;
      if (!early && lease !== undefined && dice.chance()) await etcd.store.revoke(lease, NEVER);
      await delay(dice.between(0, ttl));
      for (let write = 0; write < 50; write++) await etcd.store.put('/noise', `${write}`, {}, NEVER);
      await cluster.restore(dice.chance() ? 'etcd-cluster' : `etcd-cluster-${dice.between(1, 1e9)}`);
    },
  },
  {
    name: 'history compacted',
    mayLapse: true,
    async strike({ cluster, key, ttl, dice }) {
      const victim = dice.pick(cluster.members);
      await victim.container.pause();
      const others = cluster.members.filter((member) => member !== victim);
      await cluster.ctl(dice.pick(others), 'del', key);
      let revision = 0;
      for (let write = 0; write < 20; write++) {
        await cluster.ctl(dice.pick(others), 'put', '/noise', `${write}`);
        revision = await revisionOf(cluster, dice.pick(others));
      }
      await cluster.ctl(dice.pick(others), 'compact', String(revision));
      await delay(dice.between(0, ttl));
      await victim.container.unpause();
    },
  },
  {
    name: 'all connections frozen',
    mayLapse: true,
    async strike({ cluster, ttl, dice }) {
      for (const { front } of cluster.members)
        front.freeze(...dice.pick([['up'], ['down'], ['up', 'down']] as const));
      await delay(dice.between(0.2 * ttl, 2 * ttl));
      for (const { front } of cluster.members) front.heal();
    },
  },
  {
    name: 'one connection frozen or lost',
    mayLapse: false,
    async strike({ cluster, ttl, dice }) {
      const { front } = dice.pick(cluster.members);
      if (dice.chance()) front.freeze();
      else front.drop();
      await delay(dice.between(0.2 * ttl, 2 * ttl));
      front.heal();
    },
  },
  {
    name: 'connections cut again and again',
    mayLapse: false,
    async strike({ cluster, ttl, dice }) {
      const end = Date.now() + dice.between(0.5 * ttl, 2 * ttl);
      while (Date.now() < end) {
        for (const { front } of cluster.members) front.cut();
        await delay(dice.between(0, ttl / 5));
      }
    },
  },
  {
    name: 'slow network',
    mayLapse: false,
    async strike({ cluster, ttl, dice }) {
      for (const { front } of cluster.members) front.delay(dice.between(10, ttl / 20));
      await delay(dice.between(ttl, 2 * ttl));
      for (const { front } of cluster.members) front.heal();
    },
  },
  {
    name: 'lease revoked',
    mayLapse: true,
    async strike({ etcd, key }) {
      const lease = (await etcd.store.read([key], NEVER)).get(key)?.lease;
      if (lease !== undefined) await etcd.store.revoke(lease, NEVER);
    },
  },
];

async function frozen(members: readonly Member[], ms: number): Promise<void> {
  await Promise.all(members.map(({ container }) => container.pause()));
  await delay(ms);
  await Promise.all(members.map(({ container }) => container.unpause()));
}

async function revisionOf(cluster: Cluster, member: Member): Promise<number> {
  const answer = await cluster.ctl(member, 'get', '/noise', '-w', 'json');
  return (JSON.parse(answer) as { header: { revision: number } }).header.revision;
}
