import { say } from '../../support/report/narrator.js';
import { on } from '../hosts.js';
import type { Chapter, Stage } from '../stage.js';

/** Tries what somebody would who has taken over one of NGINX's workers; prints what succeeded, a line each. */
const AS_WORKER = `
cd /run/sidekick-gateway
for name in kept.conf kept.map load api.conf tls.key nginx.pid; do
  { mv $name stolen || ln -sf /etc/shadow $name || echo 'load_module /tmp/x;' >$name; } 2>/dev/null && echo $name
done
find /run/sidekick-gateway /etc/sidekick-gateway /usr/share/sidekick-gateway /var/log/sidekick-gateway \
  -writable ! -type l ! -type s 2>/dev/null
find /etc/shadow /etc/sidekick-gateway/tls.key -readable 2>/dev/null
true`;

const FILL = `
head -c 70000000 /dev/zero | tr '\\0' x >>/var/log/sidekick-gateway/access.log
systemctl start loadbalancer-logrotate.service
stat -c %s /var/log/sidekick-gateway/access.log`;

async function play({ ledger }: Stage): Promise<void> {
  const worker = ['setpriv', '--reuid=www-data', '--regid=www-data', '--clear-groups'];
  const achieved = await on('lb', ...worker, 'sh', '-c', AS_WORKER);
  if (achieved !== '') say(`a worker of the gateway achieved: ${achieved}`);
  ledger.exactly(
    'what a worker could change of what root reads',
    achieved === '' ? 0 : achieved.split('\n').length,
    0,
  );
  await on('lb', 'systemctl', 'reload', 'loadbalancer.service');

  const size = Number(await on('lb', 'sh', '-c', FILL));
  ledger.atMost('bytes of a log that had 70 MB', size, 64_000_000, '');
  say("a worker can write to nothing that root reads, and the gateway's logs are rotated by their size");
}

/** What the load balancer's own parts may not do to it. */
export const confinement: Chapter = { title: 'the gateway is confined', play };
