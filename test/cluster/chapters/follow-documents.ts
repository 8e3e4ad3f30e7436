import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { blockOf, RUN } from '../documents.js';
import { copyTo, type FreshHost, on, removeFresh, startFresh } from '../hosts.js';
import type { Chapter, Stage } from '../stage.js';

/** The addresses that the documents use: of etcd and the load balancer, and of the backend. */
const LB = '10.0.0.2';
const BACKEND = '10.0.0.11';
const ETCD = `http://${LB}:2379`;
const INSTANCE = `${BACKEND}:8080`;
const KEY = `/services/firmware/${INSTANCE}`;

/** The directory that the documents' commands run in: it has what `npm run package:deb` makes, in `build`. */
const ROOT = '/root/sidekick';
const BUILD = fileURLToPath(new URL('../../../build', import.meta.url));

/** A backend that answers every request, as the documents take for granted. */
const backend = (port: number) => `require('http').createServer((_, r) => r.end('ok')).listen(${port})`;

const BACKEND_UNIT = `[Service]
ExecStart=/usr/bin/node -e "${backend(8082)}"
`;

/** The registrar of the README runs on this host as well: docs/operating.md says that each needs an admin address of its own. */
const BACKEND_CONFIGURATION = `etcd: { endpoints: ["${ETCD}"] }
service: firmware
address: ${BACKEND}:8082
probe: { type: http, interval: 1s }
admin: { listen: 127.0.0.1:9465 }
`;

/** Runs a block of a document on a host, as a reader does. */
function follow(host: FreshHost, block: string): Promise<string> {
  return on(host, 'sh', '-ec', `cd ${ROOT}\n${block}`);
}

/**
 * A host of the cluster has no Docker engine: where a document runs the image, the package's program is run instead, with the
 * words that follow the image's name. The integration tests run the image.
 */
function withoutDocker(block: string): string {
  const words = block.replace(/^docker run [\s\S]*? sidekick (?=register|watch)/, 'sidekick ');
  if (words === block) throw new Error(`this runs no image: ${block}`);
  return words;
}

/** Runs a block that goes on, as a unit of systemd. */
async function begin(host: FreshHost, unit: string, block: string): Promise<void> {
  const command = ['sh', '-c', `exec ${block}`];
  await on(
    host,
    'systemd-run',
    `--unit=${unit}`,
    `--working-directory=${ROOT}`,
    '--setenv=HOME=/root',
    ...command,
  );
}

async function write(host: FreshHost, path: string, content: string): Promise<void> {
  await on(host, 'sh', '-ec', `mkdir -p "$(dirname "$1")"; printf %s "$2" >"$1"`, 'sh', path, content);
}

function etcdctl(...args: string[]): Promise<string> {
  return on('fresh-lb', 'env', 'ETCDCTL_API=3', `ETCDCTL_ENDPOINTS=${ETCD}`, 'etcdctl', ...args);
}

async function value(): Promise<string> {
  return etcdctl('get', '--print-value-only', KEY);
}

/** The servers of the group that the service feeds, as the gateway's API has them. */
async function serversThere(): Promise<readonly string[]> {
  const url = 'http://localhost/api/9/http/upstreams/firmware/servers';
  const socket = '/run/sidekick-gateway/api/api.sock';
  const answer = await on('fresh-lb', 'curl', '--silent', '--fail', '--unix-socket', socket, url);
  return (JSON.parse(answer) as { server: string }[]).map(({ server }) => server);
}

async function prepare(): Promise<void> {
  await Promise.all([startFresh('fresh-lb', `${LB}/24`), startFresh('fresh-backend', `${BACKEND}/24`)]);
  for (const file of readdirSync(BUILD).filter((name) => name.endsWith('.deb'))) {
    await copyTo('fresh-lb', `${BUILD}/${file}`, `${ROOT}/build`);
    await copyTo('fresh-backend', `${BUILD}/${file}`, `${ROOT}/build`);
  }
  const urls = [`--listen-client-urls=${ETCD}`, `--advertise-client-urls=${ETCD}`];
  await on('fresh-lb', 'systemd-run', '--unit=etcd-here', 'etcd', ...urls, '--data-dir=/var/lib/etcd/here');
  await on('fresh-backend', 'systemd-run', '--unit=backend', 'node', '-e', backend(8080));
  await until('etcd answers', async () => (await etcdctl('endpoint', 'health')) !== undefined);
  say('two fresh hosts: one for etcd and the load balancer, one with a backend');
}

/** The lines of the block are for different hosts: the comment at the end of each says for which. */
async function install(): Promise<void> {
  const lines = blockOf(RUN.install).split('\n');
  const pick = (comment: RegExp) => {
    const line = lines.find((one) => comment.test(one));
    if (line === undefined) throw new Error(`no line of the block ends in ${String(comment)}`);
    return line;
  };
  // The line for Debian 12 is run by the trial of the packages.
  await follow('fresh-backend', pick(/# Debian 13$/));
  await follow('fresh-lb', pick(/# Debian 13$/));
  await follow('fresh-lb', pick(/# the gateway, on Debian 13$/));
  await on('fresh-lb', 'systemctl', 'enable', '--now', 'loadbalancer');
  say('installed by the words of docs/operating.md');
}

async function putByHand({ ledger }: Stage): Promise<void> {
  const [, lease = ''] = /lease (\S+) granted/.exec(await etcdctl('lease', 'grant', '600')) ?? [];
  const environment = `export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${ETCD} LEASE=${lease}`;
  await follow('fresh-lb', `${environment}\n${blockOf(RUN.put)}`);
  ledger.exactly('README: keys put by hand', (await value()) === 'lazy-unicorn' ? 1 : 0, 1);
}

async function registerAndWatch({ ledger }: Stage): Promise<void> {
  await begin('fresh-lb', 'readme-watch', withoutDocker(blockOf(RUN.watch)));
  await until('NGINX has the server that was put by hand', async () =>
    (await serversThere()).includes(INSTANCE),
  );
  await begin('fresh-backend', 'readme-register', withoutDocker(blockOf(RUN.register)));
  await until('the registration is that of sidekick', async () => (await value()).startsWith('{'));
  ledger.exactly('README: servers in NGINX', (await serversThere()).length, 1);
  say('register and watch run by the words of the README');
}

async function besideAUnit({ ledger }: Stage): Promise<void> {
  await write('fresh-backend', '/etc/systemd/system/firmware@.service', BACKEND_UNIT);
  await write('fresh-backend', '/etc/sidekick/firmware@2.yaml', BACKEND_CONFIGURATION);
  await on('fresh-backend', 'systemctl', 'daemon-reload');
  await on('fresh-backend', 'systemctl', 'start', 'firmware@2');
  await follow('fresh-backend', blockOf(RUN.unit));
  await until('NGINX has the server of the unit', async () => (await serversThere()).length === 2);
  await on('fresh-backend', 'systemctl', 'stop', 'firmware@2');
  ledger.exactly('README: servers in NGINX once the unit is stopped', (await serversThere()).length, 1);
  say('sidekick@firmware@2 comes and goes with firmware@2');
}

async function play(stage: Stage): Promise<void> {
  try {
    await prepare();
    await install();
    await putByHand(stage);
    await registerAndWatch(stage);
    await besideAUnit(stage);
  } finally {
    await Promise.all([removeFresh('fresh-lb'), removeFresh('fresh-backend')]);
  }
}

/** Fresh hosts are set up with the commands of README.md and docs/operating.md, word for word. */
export const followDocuments: Chapter = { title: 'the documents are followed word for word', play };
