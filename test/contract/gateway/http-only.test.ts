/** A gateway without a stream block: what NGINX Plus answers there. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Container,
  OPEN_API,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { ApiClient } from './client.js';

/** Cuts the stream block off NGINX's configuration. */
const WITHOUT_STREAM = "sed -i '/^stream {/,$d' /etc/nginx/nginx.conf && exec nginx -g 'daemon off;'";

let network: TestNetwork;
let gateway: Container;
let base: string;

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startContainer({
    image: 'sidekick-gateway',
    name: 'gateway',
    network,
    ...OPEN_API,
    ports: [8080],
    command: ['sh', '-c', WITHOUT_STREAM],
    ready: (self) =>
      until(
        'it answers',
        async () => (await fetch(`http://127.0.0.1:${self.port(8080)}/api/`)).status === 200,
      ),
  });
  base = `http://127.0.0.1:${gateway.port(8080)}/api`;
});

afterAll(async () => {
  await network?.remove();
});

it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('the version %i of the API has no stream', async (version) => {
  const api = new ApiClient(base, version);
  const names = (await api.get('/')).body as string[];
  expect(names).not.toContain('stream');
  for (const name of names) expect((await api.get(`/${name}`)).status, name).toBe(200);
  for (const path of ['/stream', '/stream/', '/stream/upstreams', '/stream/upstreams/mqtt'])
    expect(await api.get(path)).toMatchObject({ status: 404, body: { error: { code: 'PathNotFound' } } });
});

it('the Prometheus exporter for NGINX Plus reports the gateway as up', async () => {
  const exporter = await startContainer({
    image: 'sidekick-exporter',
    name: 'exporter',
    network,
    ports: [9113],
    command: ['--nginx.scrape-uri=http://gateway:8080/api'],
    ready: (self) =>
      until(
        'the exporter answers',
        async () => (await fetch(`http://127.0.0.1:${self.port(9113)}/metrics`)).ok,
      ),
  });
  const text = await (await fetch(`http://127.0.0.1:${exporter.port(9113)}/metrics`)).text();
  expect(text).toContain('nginxplus_up 1');
  expect(exporter.logs.lines.filter((line) => /warn|error/i.test(line))).toEqual([]);
});
