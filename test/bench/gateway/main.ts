/**
 * The gateway's speed beside NGINX's own upstream groups and HAProxy, all on this machine and in one run.
 *
 *   npm run bench:gateway [-- --rounds=5 --seconds=3 --only=abcdef]
 */
import { type Disturbance, disturbance, type Load, printDisturbances } from './changes.js';
import { cpuOf, HEADERS, inside, insideAsync, start, stop } from './container.js';
import { type Contender, contest, print } from './contest.js';
import { offerFirmware, QUESTION } from './firmware.js';
import { connectionRate, sessionThroughput } from './mqtt-load.js';

function option(name: string, fallback: number): number {
  const given = process.argv.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? fallback : Number(given.split('=')[1]);
}

/** The parts to run: (a) to (f). */
const ONLY = process.argv.find((arg) => arg.startsWith('--only='))?.split('=')[1] ?? 'abcdef';

/** Open sessions that data goes through: enough for each broker to have its share of them, which goes by ClientId here. */
const SESSIONS = 60;

const ROUNDS = option('rounds', 5);
const SECONDS = option('seconds', 3);

const GATEWAY = 'cut -d" " -f1 /proc/1/task/1/children';
const NATIVE = 'cat /run/bench-native.pid';

let address = '';

/** Requests per second; an answer other than 200 ends the run. */
async function requests(url: string): Promise<number> {
  const output = await insideAsync(`wrk -t1 -c64 -d${SECONDS}s ${url}`);
  if (/Non-2xx/.test(output)) throw new Error(`failed requests at ${url}\n${output}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
}

/** Megabytes per second of large files. */
async function downloads(url: string): Promise<number> {
  const output = await insideAsync(`wrk -t1 -c4 -d${SECONDS}s ${url}`);
  const [, amount, unit] = /Transfer\/sec:\s+([\d.]+)(KB|MB|GB)/.exec(output) ?? [];
  return Number(amount) * ({ KB: 0.001, MB: 1, GB: 1024 }[unit ?? 'MB'] as number);
}

async function setServers(kind: 'http' | 'stream', group: string, servers: string[]): Promise<void> {
  const base = `http://${address}:8080/api/9/${kind}/upstreams/${group}/servers`;
  const listed = (await (await fetch(base)).json()) as { id: number }[];
  for (const { id } of listed) await fetch(`${base}/${id}`, { method: 'DELETE', headers: HEADERS });
  for (const server of servers) {
    const answer = await fetch(base, { method: 'POST', headers: HEADERS, body: JSON.stringify({ server }) });
    if (answer.status !== 201) throw new Error(`POST ${server}: ${await answer.text()}`);
  }
}

function http(name: string, port: number, pid: string): Contender {
  const url = `http://127.0.0.1:${port}/`;
  return { name, run: () => requests(url), cpu: () => cpuOf(pid), seconds: SECONDS };
}

function large(name: string, port: number): Contender {
  return { name, run: () => downloads(`http://127.0.0.1:${port}/large`), seconds: SECONDS };
}

function mqtt(parallel: number, name: string, port: number, pid?: string): Contender {
  const cpu = pid === undefined ? {} : { cpu: () => cpuOf(pid) };
  return { name, run: () => connectionRate(address, port, parallel, SECONDS), ...cpu, seconds: SECONDS };
}

function sessions(name: string, port: number): Contender {
  const run = async () => (await sessionThroughput(address, port, SESSIONS, SECONDS)) / 1e6;
  return { name, run, seconds: SECONDS };
}

/** How often the gateway has loaded its configuration; `undefined` when a reload has just closed the connection. */
async function generation(): Promise<number | undefined> {
  const answer = await fetch(`http://${address}:8080/api/9/nginx`).catch(() => undefined);
  return answer === undefined ? undefined : ((await answer.json()) as { generation: number }).generation;
}

let areKept = false;

/**
 * Has the gateway keep connections to its present servers open, as it does on its own for those that stay. Parts (a) and (f)
 * have the same servers, and the gateway reloads for them once.
 */
async function keepConnections(): Promise<void> {
  if (areKept) return;
  areKept = true;
  const before = await generation();
  inside('gateway-keepalive now 2>/dev/null');
  for (;;) {
    const now = await generation();
    if (now !== undefined && now !== before) return;
  }
}

async function small(): Promise<void> {
  print(
    '(a) small answers over HTTP',
    'requests/s',
    await contest([http('NGINX upstream', 81, NATIVE), http('gateway', 80, GATEWAY)], ROUNDS),
  );
  await keepConnections();
  print(
    '    with connections to the servers kept open',
    'requests/s',
    await contest([http('NGINX upstream, keepalive', 82, NATIVE), http('gateway', 80, GATEWAY)], ROUNDS),
  );
}

/**
 * Few at a time leave the cores idle for a fifth of the time, and what is measured then is how long a connection takes;
 * many, as when a fleet comes back, keep them busy.
 */
async function connections(): Promise<void> {
  for (const parallel of [64, 256]) {
    const results = await contest(
      [
        mqtt(parallel, 'NGINX upstream, round robin', 1884, NATIVE),
        mqtt(parallel, 'gateway, by ClientId', 1883, GATEWAY),
        mqtt(parallel, 'HAProxy, by ClientId', 1885),
      ],
      ROUNDS,
    );
    print(`(b) MQTT connections, CONNECT to CONNACK, ${parallel} at a time`, 'connections/s', results);
  }
}

async function bulk(): Promise<void> {
  print(
    '(c) downloads of 20 MB',
    'MB/s',
    await contest([large('NGINX upstream', 81), large('gateway', 80)], ROUNDS),
  );
  print(
    '    data through open MQTT sessions',
    'MB/s',
    await contest([sessions('NGINX upstream', 1884), sessions('gateway', 1883)], ROUNDS),
  );
}

/** Addresses of one server, as many as are wanted. */
function crowd(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `127.0.${1 + (i >> 7)}.${1 + (i & 127)}:9001`);
}

/**
 * Requests to one group while clients of the API are busy with another. Eight clients that only read are the control: what they
 * cost is the price of eight busy clients on the same cores, and not that of changes.
 */
async function changing(): Promise<void> {
  const servers = (kind: string, group: string) =>
    `http://${address}:8080/api/9/${kind}/upstreams/${group}/servers`;
  const found: Disturbance[] = [];
  const measure = async (load: Partial<Load> & Pick<Load, 'name'>) => {
    const base = { servers: servers('http', 'backend'), clients: 0, method: 'PATCH' as const, pause: 0 };
    found.push(await disturbance({ ...base, ...load }, SECONDS));
  };
  await measure({ name: 'nothing' });
  for (const size of [500, 5126]) {
    await setServers('http', 'backend', crowd(size));
    await measure({ name: `nothing, beside a group of ${size}` });
    await measure({ name: `8 clients read, a group of ${size}`, clients: 8, method: 'GET' });
    await measure({ name: `8 clients change, a group of ${size}`, clients: 8 });
    await measure({
      name: `1 client changes, with pauses of 1 ms, a group of ${size}`,
      clients: 1,
      pause: 1,
    });
  }
  await setServers('http', 'backend', []);
  await setServers('stream', 'mqtt', crowd(100));
  await measure({
    name: '12 changes a second, a group of 100 by ClientId',
    servers: servers('stream', 'mqtt'),
    clients: 1,
    pause: 83,
  });
  printDisturbances('(e) times of requests while clients of the API are busy with another group', found);
}

/** What a device is answered, beside the same bytes from a file and from a firmware server. */
async function answers(): Promise<void> {
  await setServers('http', 'firmware', ['127.0.0.1:9001', '127.0.0.1:9002', '127.0.0.1:9003']);
  await offerFirmware(address);
  const device = (name: string, target: string): Contender => ({
    name,
    // With its port: the image has no list of the ports of services.
    run: () => requests(`'https://127.0.0.1:443${target}'`),
    cpu: () => cpuOf(GATEWAY),
    seconds: SECONDS,
  });
  const [file, ota] = [device('static file', '/static.json'), device('/ota', QUESTION)];
  const title = '(f) a manifest over HTTPS, on one NGINX';
  // In a whole run, part (a) has connections kept open already.
  if (areKept) console.log(`  ${title}`);
  else {
    const contenders = [file, ota, device('from a firmware server', '/proxied.json')];
    print(title, 'requests/s', await contest(contenders, ROUNDS));
  }
  await keepConnections();
  print(
    '    with connections to the servers kept open',
    'requests/s',
    await contest([file, ota, device('from a firmware server, keepalive', '/proxied.json')], ROUNDS),
  );
}

async function sizes(): Promise<void> {
  await setServers('http', 'firmware', crowd(10));
  const started = performance.now();
  await setServers('http', 'backend', crowd(1000));
  const took = performance.now() - started;
  print(
    '(d) small answers by size of the group',
    'requests/s',
    await contest(
      [http('gateway, 10 servers', 80, GATEWAY), http('gateway, 1,000 servers', 8000, GATEWAY)],
      ROUNDS,
    ),
  );
  console.log(`  1,000 servers were added one by one in ${(took / 1000).toFixed(1)} s`);
}

try {
  address = await start();
  await setServers('http', 'firmware', ['127.0.0.1:9001', '127.0.0.1:9002', '127.0.0.1:9003']);
  await setServers('stream', 'mqtt', ['127.0.0.1:19001', '127.0.0.1:19002', '127.0.0.1:19003']);
  console.log(
    `${inside('nproc')} cores, ${ROUNDS} rounds of ${SECONDS} s; rates are medians, ratios are of one round`,
  );
  if (ONLY.includes('a')) await small();
  if (ONLY.includes('b')) await connections();
  if (ONLY.includes('c')) await bulk();
  if (ONLY.includes('d')) await sizes();
  if (ONLY.includes('e')) await changing();
  if (ONLY.includes('f')) await answers();
} finally {
  stop();
}
