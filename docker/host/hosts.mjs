// The hosts of the Vagrant cluster, and who of them may do what in etcd.
import { readFileSync } from 'node:fs';

/** The hosts' addresses by name, and what a container needs to be one of them: what the Vagrantfile reads too. */
export const CLUSTER = JSON.parse(readFileSync(new URL('cluster.json', import.meta.url), 'utf8'));

function credentialsOf(name) {
  if (name === 'lb') return { 'sidekick-watch': 'watcher' };
  const n = name.replace('node', '');
  return { [`sidekick@firmware@${n}`]: 'sidekick-firmware', [`sidekick@mqtt-broker@${n}`]: 'sidekick-mqtt' };
}

/** Each host: its name, its address, and the users of etcd whose passwords its units have as credentials. */
export const HOSTS = Object.entries(CLUSTER.hosts).map(([name, ip]) => ({
  name,
  ip,
  credentials: credentialsOf(name),
}));

/** The host that gives etcd its users and roles, and so has to know all passwords. */
export const ACCESS_HOST = 'node1';

/** The users of etcd; their roles are in provision/etcd-access.sh. */
export const USERS = ['root', 'watcher', 'sidekick-firmware', 'sidekick-mqtt', 'operator'];
