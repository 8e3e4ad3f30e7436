import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import type { RegistrySnapshot } from '../../../src/core/ports.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { fc } from '../../support/property.js';
import { Recorder } from '../../support/recorder.js';
import { NEVER, type Running, run, serviceSpec } from '../../support/registrar/harness.js';
import { SecureEtcd } from '../../support/registrar/secure-etcd.js';
import { type Direction, TcpProxy } from '../../support/tcp-proxy.js';
import type { Acceptance, Subject, Target } from '../target.js';

/** What happens to the bytes of one direction, once so many have passed. */
interface Damage {
  readonly direction: Direction;
  readonly after: number;
  readonly how: 'flip' | 'insert' | 'lose' | 'cut';
  readonly bytes: readonly number[];
}

const PREFIX = '/services/';
const REGISTERED = `${PREFIX}firmware/10.0.0.1:8080`;
const OTHERS = [`${PREFIX}mqtt/10.0.0.2:1883`, `${PREFIX}mqtt/10.0.0.3:1883`];
const TTL = 3_000;

/** What etcd had of the other keys, revision by revision. */
class History {
  readonly #writes: { readonly revision: number; readonly key: string; readonly value: string }[] = [];

  note(revision: number, key: string, value: string): void {
    this.#writes.push({ revision, key, value });
  }

  /** Throws when a view is none that etcd ever had. */
  check({ revision, entries }: RegistrySnapshot): void {
    const had = new Map<string, string>();
    for (const write of this.#writes) if (write.revision <= revision) had.set(write.key, write.value);
    for (const [key, { value }] of entries) {
      if (key === REGISTERED && value === '{}') continue;
      if (had.get(key) !== value)
        throw new Error(`at ${revision} etcd had no ${key} with ${JSON.stringify(value)}`);
      had.delete(key);
    }
    if (had.size > 0) throw new Error(`at ${revision} etcd had ${[...had.keys()].join(', ')} as well`);
  }
}

/** Does the damage to the chunks that pass, counted from when it was planned. */
class Vandal {
  readonly #passed: Record<Direction, number> = { up: 0, down: 0 };
  #plan: Damage[] = [];

  plan(damages: readonly Damage[]): void {
    this.#plan = [...damages];
    this.#passed.up = 0;
    this.#passed.down = 0;
  }

  get left(): number {
    return this.#plan.length;
  }

  readonly spoil = (direction: Direction, chunk: Buffer): Buffer | 'cut' => {
    const from = this.#passed[direction];
    this.#passed[direction] += chunk.length;
    let spoilt: Buffer | 'cut' = chunk;
    for (const damage of this.#plan.filter(
      (one) => one.direction === direction && one.after < from + chunk.length,
    )) {
      this.#plan.splice(this.#plan.indexOf(damage), 1);
      if (spoilt !== 'cut') spoilt = damaged(spoilt, Math.max(0, damage.after - from), damage);
    }
    return spoilt;
  };
}

function damaged(chunk: Buffer, at: number, { how, bytes }: Damage): Buffer | 'cut' {
  if (how === 'cut') return 'cut';
  const [before, after] = [chunk.subarray(0, at), chunk.subarray(at)];
  if (how === 'insert') return Buffer.concat([before, Buffer.from(bytes), after]);
  if (how === 'lose') return Buffer.concat([before, after.subarray(bytes.length)]);
  const flipped = Buffer.from(after);
  bytes.forEach((byte, i) => {
    if (i < flipped.length) flipped[i] = (flipped[i] ?? 0) ^ (byte | 1);
  });
  return Buffer.concat([before, flipped]);
}

/**
 * By TLS, which finds every byte that is not as it was sent: without it, a byte changed on the way is as good as one that
 * etcd has sent, and no client can tell.
 */
class EtcdAnswers implements Subject<readonly Damage[]> {
  readonly #history = new History();
  readonly #vandal = new Vandal();
  readonly #end = new AbortController();
  readonly #network: TestNetwork;
  readonly #proxy: TcpProxy;
  readonly #clean: EtcdConnection;
  readonly #registrar: Running;
  readonly #reader = new Recorder();
  readonly #following: Promise<void>;
  #judged = 0;
  #round = 0;

  private constructor(network: TestNetwork, etcd: SecureEtcd, proxy: TcpProxy) {
    this.#network = network;
    this.#proxy = proxy;
    this.#clean = connectEtcd(etcd.options('root'));
    const spoilt = etcd.options('root', { endpoints: [`https://${proxy.address}`], requestTimeout: 1_000 });
    this.#registrar = run({ etcd: spoilt, services: [serviceSpec()], leaseTtl: TTL });
    this.#following = this.#registrar.etcd.reader.watch([PREFIX], this.#reader, this.#end.signal);
    proxy.spoil = this.#vandal.spoil;
  }

  static async open(): Promise<EtcdAnswers> {
    const network = await startNetwork('sidekick-fuzz');
    const etcd = await SecureEtcd.start(network);
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(etcd.endpoint).port) });
    const subject = new EtcdAnswers(network, etcd, proxy);
    await subject.#write();
    await subject.#right();
    return subject;
  }

  readonly judge = async (damages: readonly Damage[]): Promise<Acceptance> => {
    this.#vandal.plan(damages);
    await this.#write();
    // Whoever is cut off comes again, so some bytes always pass.
    await until('the damage is done', () => this.#vandal.left === 0, { timeoutMs: 60_000 });
    await this.#write();
    await this.#right();
    for (; this.#judged < this.#reader.views.length; this.#judged++) {
      const view = this.#reader.views[this.#judged];
      if (view) this.#history.check(view);
    }
    if (this.#registrar.registrar.status().phase !== 'running') throw new Error('the registrar runs no more');
    return { accepted: 1, rejected: damages.map(({ direction, how }) => `${how} ${direction}`) };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#proxy.spoil = undefined;
    this.#end.abort();
    await this.#following;
    await this.#registrar.kill();
    this.#clean.close();
    await this.#proxy.close();
    await this.#network.remove();
  }

  async #write(): Promise<void> {
    for (const key of OTHERS) {
      const value = JSON.stringify({ weight: (this.#round++ % 1_000) + 1 });
      this.#history.note(await this.#clean.store.put(key, value, {}, NEVER), key, value);
    }
  }

  /** The registrar's key is there, and the reader shows what etcd has. */
  async #right(): Promise<void> {
    await until('the registrar has registered, and the reader shows what etcd has', async () => {
      const entries = await this.#clean.store.list(PREFIX, NEVER);
      const shown = this.#reader.last?.entries;
      const same = entries.every(({ key, revision }) => shown?.get(key)?.revision === revision);
      return entries.length === 3 && same && shown?.size === 3;
    });
  }
}

const damage: fc.Arbitrary<Damage> = fc.record({
  direction: fc.constantFrom('up', 'down'),
  after: fc.oneof(fc.nat(300), fc.nat(3_000)),
  how: fc.constantFrom('flip', 'insert', 'lose', 'cut'),
  bytes: fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
});

export const etcdAnswers: Target<readonly Damage[]> = {
  name: 'etcd-answers',
  about: 'damaged bytes from and to etcd, to a registrar and a reader',
  inputs: fc.array(damage, { minLength: 1, maxLength: 4 }),
  short: 2,
  bound: 130_000,
  open: () => EtcdAnswers.open(),
};
