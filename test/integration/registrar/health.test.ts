import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProbe } from '../../../src/adapters/probes/create-probe.js';
import type { MqttProbeSpec, ProbeSpec } from '../../../src/adapters/probes/spec.js';
import { Authority } from '../../support/certificates.js';
import {
  type Container,
  type Etcd,
  startContainer,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { NEVER, run, serviceSpec } from '../../support/registrar/harness.js';

/** A firmware server that says 500 as long as there is a file /tmp/ill. */
const NGINX = String.raw`sed 's|return 200 "ok\\n";|if (-f /tmp/ill) { return 500; } &|' /etc/nginx/nginx.conf > /tmp/nginx.conf
grep -q /tmp/ill /tmp/nginx.conf || exit 1
exec nginx -c /tmp/nginx.conf -g 'daemon off;'`;

/** A broker that wants a user on 1883, and a client certificate on 8883. */
const MOSQUITTO = `cd /tmp
printf %s "$CA" > ca.crt; printf %s "$CERT" > server.crt; printf %s "$KEY" > server.key
touch users && chmod 600 users && mosquitto_passwd -b users probe secret
cat > broker.conf <<'CONF'
per_listener_settings true
listener 1883
allow_anonymous false
password_file /tmp/users
listener 8883
allow_anonymous true
cafile /tmp/ca.crt
certfile /tmp/server.crt
keyfile /tmp/server.key
require_certificate true
CONF
exec mosquitto -c broker.conf`;

let network: TestNetwork;
let etcd: Etcd;
let nginx: Container;
let broker: Container;
const authority = new Authority();

beforeAll(async () => {
  network = await startNetwork();
  const { cert, key } = authority.issue('broker');
  [etcd, nginx, broker] = await Promise.all([
    startEtcd(network),
    startContainer({
      image: 'sidekick-firmware',
      name: 'firmware',
      network,
      entrypoint: ['sh', '-c', NGINX],
      ports: [8080],
    }),
    startContainer({
      image: 'sidekick-mosquitto',
      name: 'broker',
      network,
      entrypoint: ['sh', '-c', MOSQUITTO],
      environment: { CA: authority.ca.toString(), CERT: cert.toString(), KEY: key.toString() },
      ports: [1883, 8883],
    }),
  ]);
});
afterAll(async () => {
  await network?.remove();
  authority[Symbol.dispose]();
});

function http(): ProbeSpec {
  return { type: 'http', target: `127.0.0.1:${nginx.port(8080)}`, path: '/healthz' };
}

function mqtt(fields: Partial<MqttProbeSpec> = {}): MqttProbeSpec {
  const target = `127.0.0.1:${broker.port(1883)}`;
  return { type: 'mqtt', target, username: 'probe', password: 'secret', ...fields };
}

async function registered(): Promise<boolean> {
  return (await etcd.list('/services/')).size > 0;
}

interface Illness {
  readonly name: string;
  readonly probe: () => ProbeSpec;
  readonly fall: () => Promise<unknown>;
  readonly recover: () => Promise<unknown>;
  readonly reason: RegExp;
}

const ILLNESSES: readonly Illness[] = [
  {
    name: 'a broker that accepts connections and never sends CONNACK',
    probe: mqtt,
    fall: () => broker.pause(),
    recover: () => broker.unpause(),
    reason: /not done within 500 ms/,
  },
  {
    name: 'a firmware server that answers 500',
    probe: http,
    fall: () => nginx.exec(['touch', '/tmp/ill']),
    recover: () => nginx.exec(['rm', '/tmp/ill']),
    reason: /answered with status 500/,
  },
  {
    name: 'a firmware server that hangs',
    probe: http,
    fall: () => nginx.pause(),
    recover: () => nginx.unpause(),
    reason: /not done within 500 ms/,
  },
];

describe('a failing backend', () => {
  it.each(ILLNESSES)(
    '$name is removed from etcd, and returns when it is healthy',
    async ({ probe, fall, recover, reason }) => {
      const services = [serviceSpec({ probe: probe() })];
      await using running = run({ etcd: { endpoints: [etcd.url] }, services });
      await until('it is registered', registered);

      await fall();
      try {
        await until('it has left', async () => !(await registered()));
        expect(running.registrar.status().services[0]).toMatchObject({
          health: 'unhealthy',
          reason: expect.stringMatching(reason) as string,
        });
      } finally {
        await recover();
      }

      await until('it is back', registered);
      // One lease all the while: health is no reason for another.
      expect(running.log.events('lease-granted')).toHaveLength(1);
    },
  );
});

describe('the mqtt probe on a real broker', () => {
  const probe = (spec: MqttProbeSpec) => createProbe(spec)(NEVER);

  it.each([4, 5] as const)('opens a session with version %i', async (version) => {
    await expect(probe(mqtt({ version }))).resolves.toBeUndefined();
  });

  it.each([
    [4, 'with code 5'],
    [5, 'with code 135'],
  ] as const)('is refused with version %i and a wrong password', async (version, code) => {
    await expect(probe(mqtt({ version, password: 'wrong' }))).rejects.toThrow(code);
  });

  it.each([4, 5] as const)(
    'opens a session over TLS with a client certificate and version %i',
    async (version) => {
      const target = `127.0.0.1:${broker.port(8883)}`;
      const tls = { ca: authority.ca, ...authority.issue('sidekick') };
      await expect(probe({ type: 'mqtt', target, version, tls })).resolves.toBeUndefined();
      await expect(probe({ type: 'mqtt', target, version, tls: { ca: authority.ca } })).rejects.toThrow();
    },
  );

  it('ends its session as a client should', async () => {
    await probe(mqtt({ clientId: 'seen' }));
    await broker.logs.waitFor(/Client seen \[[^\]]*\] disconnected|Client seen disconnected/);
  });
});
