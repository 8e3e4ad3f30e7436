/** What every chapter of the story works with. */
import type { Ledger } from '../support/report/ledger.js';
import { announce, say } from '../support/report/narrator.js';
import { type Service, servers } from './cluster.js';
import { addressOf, type Host, NODES } from './hosts.js';
import type { HttpTraffic } from './http-traffic.js';
import type { MqttTraffic } from './mqtt-traffic.js';

export interface Stage {
  readonly http: HttpTraffic;
  readonly mqtt: MqttTraffic;
  readonly ledger: Ledger;
}

/** One part of the story. It says what it does, and puts what it measured into the ledger. */
export interface Chapter {
  readonly title: string;
  readonly play: (stage: Stage) => Promise<void>;
}

function nameOf(server: string): string {
  const ip = server.replace(/:\d+$/, '');
  const host = ([...NODES, 'lb'] as Host[]).find((name) => addressOf(name) === ip);
  return (host ?? server).replace('node', '');
}

async function present(service: Service): Promise<string[]> {
  const all = await servers(service).catch(() => []);
  return all.map(({ server, drain, down }) => `${nameOf(server)}${drain || down ? ' (out)' : ''}`).sort();
}

/** Plays the chapters one after the other; the first that throws ends the story. */
export async function playAll(chapters: readonly Chapter[], stage: Stage): Promise<void> {
  for (const [i, { title, play }] of chapters.entries()) {
    announce(i + 3, title);
    const begun = performance.now();
    await play(stage);
    stage.ledger.steps.push({
      title,
      seconds: (performance.now() - begun) / 1000,
      http: await present('firmware'),
      stream: await present('mqtt'),
    });
  }
}

/** Seconds since `from`, in ms of `performance.now()`. */
export function secondsSince(from: number): number {
  return (performance.now() - from) / 1000;
}

/** Enters the requests that were begun since `from` and failed: there must be none. */
export async function noFailures({ http, ledger }: Stage, what: string, from: number): Promise<void> {
  await http.settle();
  const failures = http.failuresSince(from);
  for (const { reason, begun } of failures.slice(0, 5)) {
    say(`FAILED, begun ${((begun - from) / 1000).toFixed(1)} s into it: ${reason}`);
  }
  ledger.exactly(`${what}: failed requests`, failures.length, 0);
}

/** Enters the sessions that were cut since `from`: there must be none. */
export function noCuts({ mqtt, ledger }: Stage, what: string, from: number): void {
  for (const { broker, at } of mqtt.cutsSince(from).slice(0, 5)) {
    say(`CUT, ${((at - from) / 1000).toFixed(1)} s into it: a session on ${broker}`);
  }
  ledger.exactly(`${what}: MQTT sessions cut`, mqtt.cutsSince(from).length, 0);
}
