/** A registrar of one service: from the start of the process to its key in etcd, and its memory. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import { type ContenderName, registerByFloor, registerBySidekick, ShellScript } from '../contenders/index.js';
import { Listener } from '../host/listener.js';
import { KeyArrivals } from '../lab/key-arrivals.js';
import { Lab } from '../lab/lab.js';
import { keyOf } from '../lab/layout.js';
import { type Part, roundsOf, secondsOf } from '../part.js';
import { rowOf } from '../rows.js';
import { takeTurns } from '../turns.js';

const ROUNDS = 4;
/** How long after its key the memory of a registrar is looked at, in s. */
const STEADY = 5;

interface Registered {
  /** From the start to the key in etcd, ms. */
  readonly took: number;
  /** Bytes; undefined where nobody looked. */
  readonly rss?: number;
}

interface Registrar {
  readonly name: ContenderName;
  run(lab: Lab, address: string, seconds: number): Promise<Registered>;
}

const SERVICE = 'firmware';

/** A registrar that is a process. */
function asProcess(
  name: ContenderName,
  start: (lab: Lab, address: string) => ReturnType<typeof registerByFloor>,
): Registrar {
  return {
    name,
    async run(lab, address, seconds) {
      await using arrivals = await KeyArrivals.start(lab.registry);
      const child = start(lab, address);
      try {
        const took = (await child.whileRunning(arrivals.keys(1))) - child.startedAt;
        await delay(seconds * 1_000);
        return { took, rss: await child.rss() };
      } finally {
        await child.stop();
      }
    },
  };
}

/** A shell that waits in its container, so that the start of the container is not measured. */
const shell: Registrar = {
  name: 'shell loop',
  async run(lab, address) {
    await using arrivals = await KeyArrivals.start(lab.registry);
    const script = new ShellScript('register.sh', [lab.etcd.url]);
    try {
      await script.printed(/ready/);
      const began = now();
      script.tell(keyOf({ service: SERVICE, address }));
      return { took: (await arrivals.keys(1)) - began };
    } finally {
      await script.stop();
    }
  },
};

const REGISTRARS = [
  asProcess('floor', ({ etcd }, address) => registerByFloor(etcd.url, keyOf({ service: SERVICE, address }))),
  asProcess('sidekick', ({ etcd }, address) => registerBySidekick(etcd.url, SERVICE, address)),
  shell,
];

export const register: Part = {
  name: 'register',
  title: 'A registrar of one service',
  async run(bench) {
    await using lab = await Lab.start();
    await using listener = await Listener.start();
    const seconds = secondsOf(bench, STEADY);
    const turns = await takeTurns(
      bench,
      { rounds: roundsOf(bench, ROUNDS), contenders: REGISTRARS },
      async (registrar) => {
        await lab.registry.clear();
        return registrar.run(lab, listener.address, seconds);
      },
    );
    const start = '`register` start to its key in etcd';
    return {
      rows: [
        rowOf(turns, { work: start, unit: 'ms', target: { timesFloor: 1.5 }, headline: true }, ({ took }) => [
          took,
        ]),
        rowOf(
          turns,
          { work: '`register`: memory', unit: 'MB', target: { atMost: 75 }, headline: true },
          ({ rss }) => (rss === undefined ? [] : [rss / 1e6]),
        ),
      ],
    };
  },
};
