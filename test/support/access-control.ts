/** Access control of a test's etcd: users with a role each, and root. */

export type Permission = readonly [kind: 'read' | 'readwrite', prefix: string];

export interface EtcdUser {
  readonly name: string;
  readonly password: string;
  /** Of a role that has the user's name. */
  readonly permissions: readonly Permission[];
}

/** What a watcher may do, as docs/security.md gives it. */
export const WATCHER_PERMISSIONS: readonly Permission[] = [
  ['read', '/services/'],
  ['read', '/sidekick/'],
  ['readwrite', '/sidekick/watchers/'],
  ['readwrite', '/sidekick/drained/'],
  ['readwrite', '/sidekick/status/watchers/'],
];

/** What a registrar of a service may do on any host, as docs/security.md gives it. */
export function registrarPermissions(service: string): readonly Permission[] {
  return [
    ['readwrite', `/services/${service}/`],
    ['read', '/sidekick/'],
    ['readwrite', `/sidekick/status/instances/${service}/`],
  ];
}

/** What the registrar of a firmware server may do that keeps its files complete, on one host, as docs/security.md gives it. */
export function firmwareRegistrarPermissions(host: string): readonly Permission[] {
  return [
    ['readwrite', `/services/firmware/${host}:`],
    ['read', '/services/firmware/'],
    ['read', '/sidekick/'],
  ];
}

/** What a publisher may do, as docs/security.md gives it. */
export const PUBLISHER_PERMISSIONS: readonly Permission[] = [
  ['readwrite', '/sidekick/firmware/'],
  ['read', '/services/firmware/'],
  ['read', '/sidekick/maintenance/firmware/'],
];

/** Adds the users and root, whose password is `root`, and switches access control on. */
export async function enableAccessControl(
  etcd: { ctl(...args: string[]): Promise<unknown> },
  users: readonly EtcdUser[],
): Promise<void> {
  for (const { name, password, permissions } of users) {
    await etcd.ctl('role', 'add', name);
    for (const [kind, prefix] of permissions) {
      await etcd.ctl('role', 'grant-permission', name, '--prefix=true', kind, prefix);
    }
    await etcd.ctl('user', 'add', `${name}:${password}`);
    await etcd.ctl('user', 'grant-role', name, name);
  }
  await etcd.ctl('user', 'add', 'root:root');
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('auth', 'enable');
}
