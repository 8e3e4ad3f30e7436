/** MQTT clients and bridges that nobody here wrote, through the gateway to a real broker. */
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Container,
  startBroker,
  startContainer,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';
import { type FullGateway, startFullGateway } from './gateway.js';

let network: TestNetwork;
let gateway: FullGateway;
let clients: Container;

beforeAll(async () => {
  network = await startNetwork();
  const [, broker] = await Promise.all([
    startFullGateway(network).then((started) => {
      gateway = started;
    }),
    startBroker(network, 1),
    startContainer({ image: 'sidekick-mqtt-clients', name: 'clients', network }).then((started) => {
      clients = started;
    }),
  ]);
  await gateway.api.call('POST', '/stream/upstreams/mqtt/servers', { server: broker.address });
});

afterAll(async () => {
  await network?.remove();
});

/** Runs a program beside the gateway and resolves with what it prints. */
async function run(...command: string[]): Promise<string> {
  const { exitCode, output } = await clients.exec(command);
  if (exitCode !== 0) throw new Error(`${command[0]} ended with ${exitCode}: ${output}`);
  return output.trim();
}

/** The message that a topic has retained. */
function retained(topic: string, ...options: string[]): Promise<string> {
  return run('mosquitto_sub', '-h', 'gateway', '-C', '1', '-W', '20', '-t', topic, ...options);
}

describe('a gateway between MQTT clients and brokers', () => {
  it.each(['mqttv31', 'mqttv311', 'mqttv5'])(
    'serves libmosquitto (%s): it publishes and receives what it subscribes to',
    async (version) => {
      const topic = `libmosquitto/${version}`;
      await run(
        'mosquitto_pub',
        '-h',
        'gateway',
        '-V',
        version,
        '-i',
        `pub-${version}`,
        '-q',
        '1',
        '-r',
        '-t',
        topic,
        '-m',
        version,
      );
      expect(await retained(topic, '-V', version)).toBe(version);
      await gateway.container.logs.waitFor(new RegExp(`TCP 200 .*"pub-${version}"`));
    },
  );

  it.each(['31', '311', '5'])('serves Paho for C (MQTT %s): it publishes', async (version) => {
    const topic = `paho-c/${version}`;
    await run(
      'paho_c_pub',
      '-h',
      'gateway',
      '-V',
      version,
      '-i',
      `c-${version}`,
      '-q',
      '1',
      '-r',
      '-t',
      topic,
      '-m',
      version,
    );
    expect(await retained(topic)).toBe(version);
    await gateway.container.logs.waitFor(new RegExp(`TCP 200 .*"c-${version}"`));
  });

  it.each(['MQTTv31', 'MQTTv311', 'MQTTv5'])(
    'serves Paho for Python (%s): it publishes and receives what it subscribes to',
    async (version) => {
      const script = [
        'from paho.mqtt import client, publish, subscribe',
        `to = dict(hostname="gateway", client_id="python-${version}", protocol=client.${version})`,
        `publish.single("python/${version}", "${version}", qos=1, retain=True, **to)`,
        `print(subscribe.simple("python/${version}", **to).payload.decode())`,
      ];
      expect(await run('python3', '-c', script.join('\n'))).toBe(version);
      await gateway.container.logs.waitFor(new RegExp(`TCP 200 .*"python-${version}"`));
    },
  );

  /** Connects MQTT.js. */
  function connect(options: IClientOptions): Promise<MqttClient> {
    return connectAsync(`mqtt://127.0.0.1:${gateway.port('mqtt')}`, { reconnectPeriod: 0, ...options });
  }

  /** Sends a message to itself. */
  async function echo(client: MqttClient): Promise<string> {
    const topic = `echo/${Math.random()}`;
    await client.subscribeAsync(topic, { qos: 1 });
    const received = new Promise<string>((resolve) => {
      client.once('message', (_, payload) => resolve(payload.toString()));
    });
    await client.publishAsync(topic, 'hello', { qos: 1 });
    return received;
  }

  it.each([
    ['3.1', { protocolId: 'MQIsdp', protocolVersion: 3 }],
    ['3.1.1', { protocolVersion: 4 }],
    ['5', { protocolVersion: 5 }],
    ['3.1.1, as a bridge', { protocolVersion: 4, bridgeMode: true }],
    [
      '5 with 30 kB of properties',
      { protocolVersion: 5, properties: { userProperties: { a: 'b'.repeat(30_000) } } },
    ],
    ['3.1.1 with a ClientId of 20 kB', { protocolVersion: 4, clientId: 'x'.repeat(20_000) }],
    ['5 without a ClientId', { protocolVersion: 5, clientId: '' }],
    [
      '3.1.1 with a will of 60 kB',
      { protocolVersion: 4, will: { topic: 'will', payload: Buffer.alloc(60_000), qos: 1, retain: false } },
    ],
  ] as [string, IClientOptions][])(
    'serves MQTT.js (MQTT %s): it sends itself a message',
    async (_, options) => {
      const client = await connect(options);
      expect(await echo(client)).toBe('hello');
      await client.endAsync();
    },
  );
});

describe('a gateway between mosquitto bridges', () => {
  it.each(['mqttv31', 'mqttv311', 'mqttv50'])('carries messages in both directions (%s)', async (version) => {
    const name = `bridge-${version}`;
    const config = [
      'listener 1883',
      'allow_anonymous true',
      `connection up`,
      'address gateway:1883',
      `bridge_protocol_version ${version}`,
      `topic ${version}/# both 1`,
    ];
    await startContainer({
      image: 'sidekick-mosquitto',
      name,
      network,
      entrypoint: [
        'sh',
        '-c',
        `printf '%s\\n' "$@" >/tmp/bridge.conf && exec mosquitto -c /tmp/bridge.conf`,
        'sh',
      ],
      command: config,
      ready: ({ logs }, from) => logs.waitFor(/mosquitto version \S+ running/, { from }),
    });
    await run('mosquitto_pub', '-h', name, '-q', '1', '-r', '-t', `${version}/up`, '-m', 'to the broker');
    await run(
      'mosquitto_pub',
      '-h',
      'gateway',
      '-q',
      '1',
      '-r',
      '-t',
      `${version}/down`,
      '-m',
      'to the bridge',
    );
    const up = () => run('mosquitto_sub', '-h', 'gateway', '-C', '1', '-W', '60', '-t', `${version}/up`);
    const down = () => run('mosquitto_sub', '-h', name, '-C', '1', '-W', '60', '-t', `${version}/down`);
    expect(await Promise.all([up(), down()])).toEqual(['to the broker', 'to the bridge']);
  });
});
