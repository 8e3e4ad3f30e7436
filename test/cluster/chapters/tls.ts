import { readFile } from 'node:fs/promises';
import { connectAsync } from 'mqtt';
import { Agent, request } from 'undici';
import { FIRMWARE } from '../../support/containers/backends.js';
import { say } from '../../support/report/narrator.js';
import { addressOf } from '../hosts.js';
import type { Chapter, Stage } from '../stage.js';

async function play({ ledger }: Stage): Promise<void> {
  const ca = await readFile(new URL('../../../build/cluster/authority/ca.crt', import.meta.url), 'utf8');
  const dispatcher = new Agent({ connect: { ca } });
  const url = `https://${addressOf('lb')}${FIRMWARE.small.path}`;
  const { statusCode, body } = await request(url, { dispatcher });
  ledger.exactly('status of a download over HTTPS', statusCode, 200);
  ledger.exactly('bytes of it', (await body.arrayBuffer()).byteLength, FIRMWARE.small.length);
  await dispatcher.close();

  const client = await connectAsync({
    protocol: 'mqtts',
    host: addressOf('lb'),
    port: 8883,
    ca,
    clientId: 'tls',
  });
  await client.subscribeAsync('tls', { qos: 1 });
  await client.endAsync();
  say("firmware over HTTPS and MQTT over TLS, with the load balancer's certificate verified");
}

/** The public ports with TLS. */
export const tls: Chapter = { title: 'TLS on the public ports', play };
