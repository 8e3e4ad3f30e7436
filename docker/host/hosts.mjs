// The hosts of the Vagrant cluster, and who of them may do what in etcd.
import { readFileSync } from 'node:fs';

/** The hosts' addresses by name, and what a container needs to be one of them: what the Vagrantfile reads too. */
export const CLUSTER = JSON.parse(readFileSync(new URL('cluster.json', import.meta.url), 'utf8'));

function credentialsOf(name) {
  if (name === 'lb') return { 'sidekick-watch': 'watcher' };
  const n = name.replace('node', '');
  return {
    [`sidekick@firmware@${n}`]: `sidekick-firmware-${name}`,
    [`sidekick@mqtt-broker@${n}`]: `sidekick-mqtt-${name}`,
  };
}

/**
 * Each host: its name, its address, the users of etcd whose passwords its units have as credentials, and the unit of its
 * firmware server, which takes uploads; undefined where it has none.
 */
export const HOSTS = Object.entries(CLUSTER.hosts).map(([name, ip]) => ({
  name,
  ip,
  credentials: credentialsOf(name),
  firmwareServer: name === 'lb' ? undefined : `firmware@${name.replace('node', '')}`,
}));

/** The host that gives etcd its users and roles, and so has to know all passwords. */
export const ACCESS_HOST = 'node1';

/** The hosts that have a member of etcd, and so a certificate with which members know each other. */
export const isMember = ({ name }) => name !== 'lb';

/** The users of etcd: each sidekick is one of its own. Their roles are in provision/etcd-access.sh. */
export const USERS = ['root', 'operator', ...HOSTS.flatMap(({ credentials }) => Object.values(credentials))];
