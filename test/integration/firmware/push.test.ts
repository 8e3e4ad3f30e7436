/** What is offered, announced on real brokers: with a user and without, over TLS, and across their ends. */
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MqttBrokers } from '../../../src/adapters/mqtt/brokers.js';
import type { BrokerOptions } from '../../../src/adapters/mqtt/options.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { Announcer } from '../../../src/daemon/firmware/announcer.js';
import { Authority } from '../../support/certificates.js';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { FakeRegistry } from '../../support/fake-registry.js';
import { recordingLog, recordingMeter } from '../../support/silent.js';

/** Port 1883 wants a user, port 8883 is TLS; what it retains is gone when it ends. */
const MOSQUITTO = `cd /tmp
printf %s "$CA" > ca.crt; printf %s "$CERT" > server.crt; printf %s "$KEY" > server.key
rm -f users; touch users && chmod 600 users && mosquitto_passwd -b users watcher secret && mosquitto_passwd -b users lamp dark
cat > broker.conf <<'CONF'
per_listener_settings true
persistence false
log_dest stdout
listener 1883
allow_anonymous false
password_file /tmp/users
listener 8883
allow_anonymous true
cafile /tmp/ca.crt
certfile /tmp/server.crt
keyfile /tmp/server.key
CONF
exec mosquitto -c broker.conf`;

const LOGIN = { username: 'watcher', password: 'secret' };

describe('announcing on a broker', () => {
  let network: TestNetwork;
  let broker: Container;
  let registry: FakeRegistry;
  let log: ReturnType<typeof recordingLog>;
  let meter: ReturnType<typeof recordingMeter>;
  let stop: AbortController;
  let running: Promise<void>[];
  const authority = new Authority();
  const devices: MqttClient[] = [];

  beforeAll(async () => {
    network = await startNetwork();
    const { cert, key } = authority.issue('broker');
    broker = await startContainer({
      image: 'sidekick-mosquitto',
      name: 'broker',
      network,
      entrypoint: ['sh', '-c', MOSQUITTO],
      environment: { CA: authority.ca.toString(), CERT: cert.toString(), KEY: key.toString() },
      ports: [1883, 8883],
      ready: ({ logs }, from) => logs.waitFor(/mosquitto version \S+ running/, { from }),
    });
  });
  afterAll(async () => {
    await network?.remove();
    authority[Symbol.dispose]();
  });
  beforeEach(() => {
    registry = new FakeRegistry();
    log = recordingLog();
    meter = recordingMeter();
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    await Promise.all(devices.splice(0).map((device) => device.endAsync(true)));
  });

  /** A watcher that announces type lamp on a port of the broker. */
  function start(port: number, options: Omit<BrokerOptions, 'clientId'>, name = 'one'): Announcer {
    registry.write(`/services/mqtt/127.0.0.1:${broker.port(port)}`, '');
    const announcer = new Announcer(
      { prefixes: DEFAULT_KEY_PREFIXES, service: 'mqtt', maxBrokers: 10 },
      {
        ...{ reader: registry, log, meter, clock: () => performance.now() },
        brokers: new MqttBrokers(() => ({ clientId: `sidekick${name}`, ...options })),
        isAllowed: () => true,
      },
    );
    running.push(announcer.run(stop.signal));
    return announcer;
  }

  /** A device that listens; the messages that it gets come one by one. */
  async function listen(topic: string, options: Partial<IClientOptions> = {}): Promise<string[]> {
    const { username, password } = { username: 'lamp', password: 'dark' };
    const device = await connectAsync({ port: broker.port(1883), username, password, ...options });
    devices.push(device);
    const messages: string[] = [];
    device.on('message', (_, payload) => messages.push(payload.toString()));
    await device.subscribeAsync(topic, { qos: 1 });
    return messages;
  }

  const offered = (type: string, version: string, revision: number) =>
    new Map([[type, { version, revision, spread: 600 }]]);
  const message = (version: string, revision: number) =>
    `{"version":"${version}","spread":600,"revision":${revision}}`;

  it('reaches a device that listens, and one that comes later', async () => {
    const early = await listen('firmware/lamp');
    const announcer = start(1883, LOGIN);
    announcer.announce(offered('lamp', '1.2.0', 7));
    await until('it is announced', () => early.length > 0);
    const late = await listen('firmware/lamp');
    await until('it is retained', () => late.length > 0);
    expect([early, late]).toEqual([[message('1.2.0', 7)], [message('1.2.0', 7)]]);

    announcer.announce(offered('lamp', '1.3.0', 8));
    await until('the change is announced', () => early.length > 1 && late.length > 1);
    expect(early[1]).toBe(message('1.3.0', 8));
  });

  it('is done by one of several watchers', async () => {
    const messages = await listen('firmware/kettle');
    const watchers = ['one', 'two', 'three'].map((name) => start(1883, LOGIN, name));
    for (const watcher of watchers) watcher.announce(offered('kettle', '1.2.0', 7));
    await until('all are in sync', () =>
      watchers.every((watcher) => watcher.status()[0]?.state === 'in-sync'),
    );
    expect(messages.length).toBeGreaterThanOrEqual(1);
    expect(messages.length).toBeLessThanOrEqual(watchers.length);
    expect(new Set(messages)).toEqual(new Set([message('1.2.0', 7)]));
  });

  it('goes over TLS to a broker whose certificate is verified, and to no other', async () => {
    const wrong = start(8883, { tls: {} }, 'wrong');
    wrong.announce(offered('fan', '6.6.6', 7));
    await until('it is refused', () => wrong.status()[0]?.state === 'unavailable');
    expect(wrong.status()[0]?.error).toMatch(/certificate|issuer|self-signed/i);

    const right = start(8883, { tls: { ca: authority.ca } }, 'right');
    right.announce(offered('fan', '1.2.0', 7));
    await until('it is announced', () => right.status()[0]?.state === 'in-sync');
    const messages = await listen('firmware/fan', {
      ...{ protocol: 'mqtts', host: 'localhost', port: broker.port(8883), ca: authority.ca },
      ...{ username: '', password: '' },
    });
    await until('it is retained', () => messages.length > 0);
    expect(messages).toEqual([message('1.2.0', 7)]);
  });

  it('says why a broker refuses it', async () => {
    const stranger = start(1883, { username: 'watcher', password: 'wrong' });
    await until('it is refused', () => stranger.status()[0]?.state === 'unavailable');
    expect(stranger.status()[0]?.error).toMatch(/not authori[sz]ed|bad user/i);
    expect(log.events('firmware-announce-failed')).toHaveLength(1);
  });

  it('is done again where a broker was killed and has forgotten it', async () => {
    const announcer = start(1883, LOGIN);
    announcer.announce(offered('lamp', '2.0.0', 70));
    await until('it is announced', () => announcer.status()[0]?.state === 'in-sync');

    await broker.kill();
    await until('that is noticed', () => announcer.status()[0]?.state === 'unavailable');
    await broker.start();
    const messages = await until('a device can listen', () => listen('firmware/lamp'));
    await until('it is announced again', () => messages.length > 0);
    expect(messages).toEqual([message('2.0.0', 70)]);
    await until(
      'it is in sync again',
      () => meter.value('sidekick_push_brokers', { state: 'in-sync' }) === 1,
    );
    expect(log.events('firmware-announce-failed')).toHaveLength(1);
    expect(log.events('firmware-announce-recovered')).toHaveLength(1);
  });
});
