import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { type Service, untilServing } from '../cluster.js';
import { addressOf, boot, kill, NODES, type Node, onWith } from '../hosts.js';
import { nameBroker } from '../mqtt-traffic.js';
import { operatorEnvironment } from '../operator.js';
import { type Alert, alerts, scraped, startPrometheus } from '../prometheus.js';
import { type Chapter, type Stage, secondsSince } from '../stage.js';

const VICTIM: Node = 'node3';
const SERVICES: readonly Service[] = ['firmware', 'mqtt'];
const PORTS: Readonly<Record<Service, number>> = { firmware: 8080, mqtt: 1883 };

/** How long after the death of a host its instances may be called lost, in ms: the TTL of a lease, and what etcd adds to it. */
const LOST_WITHIN = 60_000;

/** From the death of a host to the alert, in seconds: the lease, a scrape, and the 30 s of the rule. */
const ALERT_WITHIN = 120;

/** What an answer says of the victim. */
interface Told {
  /** The whole of what was said of it. */
  readonly text: string;
  /** When it was lost, in ms since the epoch; NaN where that is not said. */
  readonly at: number;
}

/** Runs the command on the operator's host; resolves with its exit code too. */
async function sidekick(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const script = 'sidekick "$@"; echo "exit code $?"';
  const said = await onWith(operatorEnvironment(), 'lb', 'sh', '-c', script, 'sh', ...args);
  const [, out = '', code = ''] = /^(.*)exit code (\d+)$/s.exec(said) ?? [];
  return { code: Number(code), out };
}

/** The line of a text that names a loss of the victim, and the time in it. */
function toldIn(text: string, instance: string, words: RegExp, time: RegExp): Told | undefined {
  const line = text.split('\n').find((one) => one.includes(instance) && words.test(one));
  return line === undefined ? undefined : { text: line, at: Date.parse(time.exec(line)?.[0] ?? '') };
}

const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/;

async function fromStatus(instance: string): Promise<Told | undefined> {
  return toldIn((await sidekick('status')).out, instance, /was lost/, ISO);
}

async function fromEvents(service: Service, instance: string): Promise<Told | undefined> {
  const { out } = await sidekick('events', service, '--since', '5m');
  return toldIn(out, instance, /instance-lost/, ISO);
}

function isLoss({ labels }: Alert): boolean {
  return labels.alertname === 'SidekickInstanceLost';
}

/** The alert must fire: one that is pending wakes nobody. */
async function fromAlert(service: Service, address: string): Promise<Told | undefined> {
  const firing = (await alerts()).find(
    ({ state, labels }) => state === 'firing' && labels.service === service && labels.address === address,
  );
  if (!firing || !isLoss(firing)) return undefined;
  const { summary = '' } = firing.annotations;
  const [, day = '', time = ''] = /at (\S+) (\S+) \+0000 UTC/.exec(summary) ?? [];
  return { text: summary, at: Date.parse(`${day}T${time}Z`) };
}

/** Status of one service: the gateway also has groups that nobody in the cluster registers for. */
async function exitCode(service: Service): Promise<number> {
  return (await sidekick('status', service)).code;
}

/** Enters whether an answer says which instance, when, and why. */
function check({ ledger }: Stage, what: string, instance: string, told: Told, died: number): void {
  say(`${what}: ${told.text.trim()}`);
  const late = told.at - died;
  const answers = [
    told.text.includes(instance),
    late >= -1_000 && late <= LOST_WITHIN,
    told.text.includes('its lease expired or was revoked'),
  ];
  ledger.exactly(`${what} says which, when and why`, answers.filter(Boolean).length, 3);
}

async function untilInSync(): Promise<void> {
  for (const service of SERVICES) {
    await until(`status says that ${service} is in sync`, async () => (await exitCode(service)) === 0);
  }
}

async function play(stage: Stage): Promise<void> {
  const endPrometheus = await startPrometheus();
  try {
    await until('Prometheus scrapes the watcher', async () => (await scraped()) === 1);
    await untilInSync();
    await die(stage);
    await comeBack(stage);
  } finally {
    await endPrometheus();
  }
}

async function die(stage: Stage): Promise<void> {
  const { ledger } = stage;
  const [died, begun] = [Date.now(), performance.now()];
  await kill(VICTIM);
  say(`${VICTIM} has died; from here on only sidekick status, sidekick events and alerts are asked`);
  for (const service of SERVICES) {
    const address = `${addressOf(VICTIM)}:${PORTS[service]}`;
    const ask = (what: string, told: () => Promise<Told | undefined>) =>
      until(`${what} tells of ${service} on ${VICTIM}`, told, { timeoutMs: ALERT_WITHIN * 1_000 });
    check(stage, `status, of ${service}`, address, await ask('status', () => fromStatus(address)), died);
    const event = await ask('events', () => fromEvents(service, address));
    check(stage, `events, of ${service}`, address, event, died);
    check(
      stage,
      `alert, of ${service}`,
      address,
      await ask('an alert', () => fromAlert(service, address)),
      died,
    );
  }
  ledger.atMost('from its death to the last alert', secondsSince(begun), ALERT_WITHIN, 's');
  for (const service of SERVICES) {
    ledger.exactly(`exit code of status ${service} without the host`, await exitCode(service), 1);
  }
  const others = (await alerts())
    .filter(isLoss)
    .filter(({ labels }) => !labels.address?.startsWith(addressOf(VICTIM)));
  ledger.exactly('alerts about other hosts', others.length, 0);
}

async function comeBack({ mqtt }: Stage): Promise<void> {
  const back = performance.now();
  await boot(VICTIM);
  await untilServing(NODES);
  await nameBroker(VICTIM);
  await mqtt.untilSettled();
  await until('the alerts end', async () => !(await alerts()).some(isLoss));
  await untilInSync();
  say(
    `${VICTIM} is back, the alerts have ended and status is in sync after ${secondsSince(back).toFixed(1)} s`,
  );
}

/** A host dies: whoever is on call finds out which, when and why from `status`, `events` and one alert alone. */
export const drill: Chapter = { title: 'a host dies, and whoever is on call finds out', play };
