// The hosts of the Vagrant cluster. The Vagrantfile and provision/common.sh have the same addresses.

/** Each host: its name, its address, and the users of etcd whose passwords it holds as credentials of a unit. */
export const HOSTS = [
  {
    name: 'lb',
    ip: '192.168.56.10',
    credentials: { 'sidekick-watch': 'watcher' },
  },
  ...[1, 2, 3].map((n) => ({
    name: `node${n}`,
    ip: `192.168.56.1${n}`,
    credentials: {
      [`sidekick@firmware@${n}`]: 'sidekick-firmware',
      [`sidekick@mqtt-broker@${n}`]: 'sidekick-mqtt',
    },
  })),
];

/** The host that gives etcd its users and roles, and so has to know all passwords. */
export const ACCESS_HOST = 'node1';

/** The users of etcd; their roles are in provision/etcd-access.sh. */
export const USERS = ['root', 'watcher', 'sidekick-firmware', 'sidekick-mqtt', 'operator'];
