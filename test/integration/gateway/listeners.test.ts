/** How clients come to the gateway: keepalive of their connections, IPv6, and a load balancer in front of it. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  startBroker,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { connectPacket } from '../../support/traffic/connect-packet.js';
import { type Backend, hostAddress, startHttp, startMqtt, subnetOf } from './backends.js';
import { edited, type FullGateway, startFullGateway } from './gateway.js';
import { openSession } from './sessions.js';

const BROKERS = '/stream/upstreams/mqtt';

let network: TestNetwork;
let host: string;
let subnet: string;
let backends: Backend[] = [];

beforeAll(async () => {
  network = await startNetwork();
  host = await hostAddress(network);
  subnet = await subnetOf(network);
});

afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close()));
  backends = [];
});

afterAll(async () => {
  await network?.remove();
});

async function addBroker(gateway: FullGateway, server?: string): Promise<void> {
  if (server === undefined) {
    const broker = await startMqtt(host);
    backends.push(broker);
    server = broker.server;
  }
  expect((await gateway.api.call('POST', `${BROKERS}/servers`, { server })).status).toBe(201);
}

async function active(gateway: FullGateway): Promise<number> {
  return (await gateway.api.get(BROKERS)).body.peers[0].active;
}

/** Whether the MQTT listener's connections have nothing on its way: in `/proc/net/tcp`, state 01 and an empty send queue. */
async function isAllAcknowledged(gateway: FullGateway): Promise<boolean> {
  const { stdout } = await gateway.container.exec(['cat', '/proc/net/tcp', '/proc/net/tcp6']);
  const open = stdout
    .split('\n')
    .filter((line) => /^ *\d+: [0-9A-F]+:075B [0-9A-F]+:[0-9A-F]{4} 01 /.test(line));
  return open.length > 0 && open.every((line) => / 01 00000000:/.test(line));
}

describe('a client that vanishes without a word', () => {
  it('is not active for long: TCP keepalive detects it', async () => {
    const gateway = await startFullGateway(network, edited('s/so_keepalive=[^ ;]+/so_keepalive=1s:1s:2/'), {
      name: 'keepalive',
    });
    const broker = await startBroker(network, 1);
    await addBroker(gateway, broker.address);
    const client = await startContainer({
      image: 'sidekick-mqtt-clients',
      name: 'vanishing',
      network,
      // It would keep what it says to itself until it is a screenful.
      entrypoint: ['stdbuf', '-oL'],
      command: ['mosquitto_sub', '-h', 'keepalive', '-k', '36000', '-d', '-t', 'topic'],
    });
    await client.logs.waitFor(/Subscribed/);
    // What is not acknowledged is sent again and again, for a quarter of an hour, and keepalive does not begin.
    await until('neither side has anything to say', () => isAllAcknowledged(gateway));
    expect(await active(gateway)).toBe(1);
    await client.vanish();
    await until('it is counted out', async () => (await active(gateway)) === 0);
    await gateway.container.remove();
  });

  it('is detectable in the configuration as shipped: its connection has a timer', async () => {
    const gateway = await startFullGateway(network, undefined, { name: 'timer' });
    await addBroker(gateway);
    const session = await openSession(gateway.port('mqtt'), 'device');
    const { output } = await gateway.container.exec(['cat', '/proc/net/tcp']);
    // Local port 1883, established; timer 2 is that of keepalive.
    const timers = [...output.matchAll(/:075B [0-9A-F:]+ 01 \S+ (\d\d):/g)].map(([, timer]) => timer);
    expect(timers).toEqual(['02']);
    session.socket.destroy();
    await gateway.container.remove();
  });
});

describe('IPv6', () => {
  const PORTS = ['0050', '01BB', '075B', '1F40', '22B3'];

  async function listening(gateway: FullGateway, table: string): Promise<string[]> {
    const { output } = await gateway.container.exec(['sh', '-c', `cat /proc/net/${table} 2>/dev/null`]);
    const all = [...output.matchAll(/: 0+:([0-9A-F]{4}) 0+:0000 0A /g)].map(([, port]) => port as string);
    return PORTS.filter((port) => all.includes(port));
  }

  it('has a listener where the kernel supports it', async () => {
    const gateway = await startFullGateway(network, undefined, { name: 'six' });
    expect(await listening(gateway, 'tcp')).toEqual(PORTS);
    expect(await listening(gateway, 'tcp6')).toEqual(PORTS);
    await gateway.container.remove();
  });

  it('has no listener where the kernel does not support it', async () => {
    // What a kernel without IPv6 answers: EAFNOSUPPORT.
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        {
          names: ['socket'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 97,
          args: [{ index: 0, value: 10, op: 'SCMP_CMP_EQ' }],
        },
      ],
    };
    const security = [`seccomp=${JSON.stringify(seccomp)}`];
    const gateway = await startFullGateway(network, undefined, { name: 'four', security });
    expect(await listening(gateway, 'tcp')).toEqual(PORTS);
    expect(await listening(gateway, 'tcp6')).toEqual([]);
    await gateway.container.logs.waitFor(/no IPv6/);
    await gateway.container.remove();
  });
});

describe('TLS', () => {
  /** A certificate of another kind in place of the gateway's own, which is ECDSA. */
  const RSA = `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=rsa -keyout /run/sidekick-gateway/tls.key \
    -out /run/sidekick-gateway/tls.crt 2>/dev/null && exec nginx -g "daemon off;"`;

  /** Shakes hands and resolves with the protocol and cipher that came of it. */
  async function handshake(port: number, options: tls.ConnectionOptions): Promise<[string | null, string]> {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    try {
      await once(socket, 'secureConnect');
      return [socket.getProtocol(), socket.getCipher().name];
    } finally {
      socket.destroy();
    }
  }

  it.each([
    ['ECDSA', undefined],
    ['RSA', ['sh', '-c', RSA]],
  ])('accepts authenticated ciphers with a certificate of %s, and no others', async (kind, command) => {
    const gateway = await startFullGateway(network, command, { name: `tls-${kind.toLowerCase()}` });
    for (const port of [gateway.port('https'), gateway.port('mqtts')]) {
      for (const cipher of ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']) {
        const ciphers = `ECDHE-${kind}-${cipher}`;
        expect(await handshake(port, { ciphers, maxVersion: 'TLSv1.2' })).toEqual(['TLSv1.2', ciphers]);
      }
      expect(await handshake(port, {})).toEqual(['TLSv1.3', expect.any(String)]);
      const refused = [
        `ECDHE-${kind}-AES128-SHA256`,
        `ECDHE-${kind}-AES256-SHA`,
        'AES128-GCM-SHA256',
        'AES128-SHA',
      ];
      for (const ciphers of refused)
        await expect(handshake(port, { ciphers, maxVersion: 'TLSv1.2' })).rejects.toThrow(
          /handshake failure/,
        );
    }
    await gateway.container.remove();
  });
});

describe('PROXY protocol', () => {
  /** As the documentation says, for connections from a load balancer in a subnet. */
  function proxyProtocolIn(subnet: string): string[] {
    const from = `set_real_ip_from ${subnet.replace('/', '\\/')};`;
    return [
      's/listen (\\[::\\]:)?(80|443|1883|8883) /listen \\1\\2 proxy_protocol /',
      `s/^( *)include gateway.server.conf;/&${from} real_ip_header proxy_protocol;/`,
      `s/include gateway.mqtt.conf;/&${from}/`,
    ];
  }
  const OUT = 's/include gateway.mqtt.conf;/&proxy_protocol on;/';

  it('tells brokers the address of a client through a chain of gateways, and is sent only where it is configured', async () => {
    const inner = await startFullGateway(network, edited(...proxyProtocolIn(subnet), OUT), { name: 'inner' });
    const outer = await startFullGateway(network, edited(OUT), { name: 'outer' });
    const heard: string[] = [];
    const broker = net.createServer((socket) =>
      socket.on('error', () => {}).on('data', (data) => heard.push(data.toString('latin1'))),
    );
    broker.listen(0, host);
    await once(broker, 'listening');
    await addBroker(inner, `${host}:${(broker.address() as net.AddressInfo).port}`);
    await addBroker(outer, `${inner.container.ip}:1883`);
    const client = await startContainer({
      image: 'sidekick-mqtt-clients',
      name: 'behind-two',
      network,
      entrypoint: ['mosquitto_sub'],
      command: ['-h', 'outer', '-t', 'topic', '-i', 'behind-two'],
    });
    await until('the broker hears of it', () => heard.join('').includes('behind-two'));
    expect(heard.join('')).toMatch(
      new RegExp(`^PROXY TCP4 ${client.ip} ${inner.container.ip} \\d+ 1883\\r\\n\\x10`),
    );
    await client.remove();
    await inner.container.logs.waitFor(new RegExp(`^${client.ip} .*"behind-two"`));
    broker.close();
    await Promise.all([inner.container.remove(), outer.container.remove()]);
  });

  describe('the PROXY protocol of a load balancer in front', () => {
    let gateway: FullGateway;

    beforeAll(async () => {
      gateway = await startFullGateway(network, edited(...proxyProtocolIn(subnet)), { name: 'behind' });
    });

    afterAll(async () => {
      await gateway.container.remove();
    });

    /** Connects as such a load balancer does, in either version. */
    function connect(port: number, version: 1 | 2): net.Socket {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      const ports = Buffer.from([0x30, 0x39, 0, 80]);
      const v2 = [
        Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1'),
        Buffer.from([192, 0, 2, 7, 192, 0, 2, 1]),
        ports,
      ];
      socket.write(version === 1 ? 'PROXY TCP4 192.0.2.7 192.0.2.1 12345 80\r\n' : Buffer.concat(v2));
      return socket;
    }

    it.each([1, 2] as const)('tells HTTP servers the client (version %i)', async (version) => {
      const backend = await startHttp(host, (request, response) => {
        response.end(JSON.stringify([request.headers['x-real-ip'], request.headers['x-forwarded-for']]));
      });
      backends.push(backend);
      await gateway.api.clear('http', 'firmware');
      await gateway.api.call('POST', '/http/upstreams/firmware/servers', { server: backend.server });
      const socket = connect(gateway.port('http'), version);
      socket.write('GET / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n');
      let text = '';
      for await (const data of socket) text += String(data);
      expect(text).toContain('["192.0.2.7","192.0.2.7"]');
    });

    it.each([1, 2] as const)(
      'puts the client into the session log, and selects a broker by it without a ClientId (version %i)',
      async (version) => {
        await gateway.api.clear('stream', 'mqtt');
        await addBroker(gateway);
        const socket = connect(gateway.port('mqtt'), version);
        socket.write(connectPacket(''));
        await once(socket, 'data');
        socket.destroy();
        await gateway.container.logs.waitFor(/^192\.0\.2\.7 .*"192\.0\.2\.7"/);
      },
    );

    it('is required: a connection without it is closed', async () => {
      const socket = net.connect(gateway.port('mqtt'), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(connectPacket('bold'));
      await once(socket, 'close');
    });
  });
});
