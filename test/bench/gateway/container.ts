/** The container in which everything runs, and the programs in it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const IMAGE = 'sidekick-gateway-bench';
const NAME = `sidekick-bench-${process.pid}`;

/** What the API asks of whoever changes something; the token lies in the image. */
export const HEADERS = {
  authorization: 'Bearer the-token-of-the-contest',
  'content-type': 'application/json',
};

function docker(...args: string[]): string {
  return execFileSync('docker', args, {
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** Runs a shell command in the container. */
export function inside(command: string): string {
  return docker('exec', NAME, 'sh', '-c', command);
}

/** The same, without blocking this process. */
export async function insideAsync(command: string): Promise<string> {
  const child = spawn('docker', ['exec', NAME, 'sh', '-c', command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${command}: ended with ${code}`);
  return output;
}

/** Builds the image and starts everything in it. Returns the container's address. */
export async function start(): Promise<string> {
  docker('build', '-q', '-t', IMAGE, fileURLToPath(new URL('image', import.meta.url)));
  docker(
    ...['run', '-d', '--rm', '--name', NAME, '--label', 'sidekick.bench=gateway'],
    // Short-lived connections by the ten thousand: their ports must be free again soon.
    ...['--sysctl', 'net.ipv4.tcp_tw_reuse=1', '--sysctl', 'net.ipv4.ip_local_port_range=1024 65000'],
    ...['--sysctl', 'net.core.somaxconn=8192', IMAGE],
  );
  inside('nginx -c /bench/backends.conf');
  inside('nginx -c /bench/native.conf >/dev/null');
  inside('haproxy -D -f /bench/haproxy.cfg >/dev/null 2>&1');
  inside('mosquitto -d -c /bench/mosquitto.conf');
  const address = docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', NAME);
  for (;;) {
    const answer = await fetch(`http://${address}:8080/api/9/http/upstreams`).catch(() => undefined);
    if (answer?.ok) return address;
  }
}

/** Removes the container. */
export function stop(): void {
  docker('rm', '-f', NAME);
}

/** CPU time that an NGINX and its workers have used so far, in microseconds. */
export function cpuOf(pidCommand: string): number {
  // Of process 1, which waits for the processes that end, the gateway's master is the first child.
  const script = `p=$(${pidCommand}); for c in $(cat /proc/$p/task/$p/children) $p; do grep -q '(nginx)' /proc/$c/stat && cut -d' ' -f14,15 /proc/$c/stat; done; true`;
  const ticks = inside(script)
    .split(/\s+/)
    .reduce((sum, field) => sum + Number(field), 0);
  return ticks * 10_000;
}
