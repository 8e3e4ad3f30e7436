/**
 * A registrar as a process: `process.ts ENDPOINT TTL COUNT` registers that many services and prints `ready`, and on
 * SIGUSR2 what it has used of memory and CPU. Ends as sidekick does.
 */
import { run, serviceSpec } from './harness.js';

const [endpoint = '', ttl = '15000', count = '1'] = process.argv.slice(2);
const services = Array.from({ length: Number(count) }, (_, index) =>
  serviceSpec({
    ...(index === 0 ? {} : { service: `s${index}` }),
    health: { interval: 5000 },
  }),
);
const running = run({ etcd: { endpoints: [endpoint] }, services, leaseTtl: Number(ttl) });

process.on('SIGTERM', () => void running.stop());
process.on('SIGUSR2', () => {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.stdout.write(
    `${JSON.stringify({ rss, heapUsed, cpuMs: (user + system) / 1000, upMs: process.uptime() * 1000 })}\n`,
  );
});

const looking = setInterval(() => {
  if (!running.registrar.status().ready) return;
  clearInterval(looking);
  process.stdout.write('ready\n');
}, 20);
