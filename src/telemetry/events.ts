/** One kind of event in the log: the field `event` of its lines. */
interface EventDeclaration {
  readonly name: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** What has happened. */
  readonly meaning: string;
  /** What an operator should do; undefined if nothing. */
  readonly remedy?: string | undefined;
}

/** Every event. A test finds those that the code logs but that are missing here, and those that nothing logs. */
export const EVENTS: readonly EventDeclaration[] = [
  // Every daemon
  info('daemon-started', 'The daemon has started.'),
  info('daemon-ready', 'The daemon is ready: see /readyz.'),
  warn('daemon-unready', 'The daemon is no longer ready.', 'See `sidekick status` for the reason.'),
  info('daemon-stopping', 'A signal stops the daemon gracefully.'),
  info('daemon-stopped', 'The daemon has ended.'),
  warn('daemon-killed', 'A second signal ended the daemon at once.'),
  error(
    'daemon-crashed',
    'An unexpected error ends the daemon.',
    'Report it, with the fields `reason` and `stack`.',
  ),
  info('admin-listening', 'The admin endpoints are served.'),
  warn(
    'admin-denied',
    'A request to the admin endpoints was refused: its credential is wrong.',
    'Find out who calls from `remote`; the token is in the file admin.tokenFile.',
  ),
  warn(
    'config-suspicious',
    'The configuration is a risk or probably a mistake.',
    'Change the option in `key`.',
  ),
  info('config-reloaded', 'A reload has applied the configuration.'),
  error(
    'config-reload-failed',
    'The new configuration cannot be used: the old one stays.',
    'Correct it as `reason` says and reload again.',
  ),
  info('config-reload-ignored', 'A reload was requested, but the daemon has nothing to reload yet.'),
  info('restart-required', 'Options have changed that a reload does not apply.', 'Restart the daemon.'),
  warn('variable-unknown', 'No option has a `SIDEKICK_` variable that is set.', 'Correct its spelling.'),
  info('files-reloaded', 'Certificates, keys or passwords have changed and are in use.'),
  error(
    'files-rejected',
    'Certificates, keys or passwords have changed but cannot be used: the old ones stay.',
    'Correct the file in `reason`.',
  ),
  info(
    'stop-timeout-short',
    'A drain may take longer than the default stop timeout of the supervisor.',
    'Give a stop the time in `needs`.',
  ),
  warn(
    'notification-failed',
    'A notification to systemd failed.',
    'See `reason`; systemd-notify must be installed.',
  ),
  error('metric-failed', 'A metric was not recorded.', 'Report it.'),

  // Lease and keys
  info('lease-granted', 'etcd has granted a lease.'),
  warn(
    'lease-lost',
    'The lease has expired or was revoked: its keys are gone until they are written again.',
    'If it happens often, check the load of etcd and the network.',
  ),
  warn(
    'lease-renewal-failed',
    'etcd is unavailable: the lease cannot be kept alive.',
    'Check etcd and the network.',
  ),
  info('lease-renewed', 'etcd answers again, and the lease is kept alive.'),
  error('lease-refused', 'etcd refuses the lease.', 'Check the credentials and the role of the etcd user.'),
  info('lease-revoked', 'The lease was revoked at the end, and its keys are gone.'),
  warn('lease-abandoned', 'The lease could not be revoked: its keys stay until its TTL is over.'),
  info('key-written', 'A key is in etcd.'),
  warn(
    'key-repaired',
    'Somebody else changed or deleted a key: it is written again.',
    'Find out who writes the key.',
  ),
  warn(
    'key-superseded',
    'A newer process has registered the same instance: its key is left alone.',
    'Stop one of the two processes.',
  ),
  info('key-reclaimed', 'The key of a newer process is gone, and this process has written its own again.'),
  error('key-refused', 'etcd refuses to write a key.', 'Check the role of the etcd user.'),
  warn(
    'key-abandoned',
    'etcd refuses to delete a key, which stays until the lease ends.',
    'Check the role of the etcd user.',
  ),
  warn(
    'status-refused',
    'etcd refuses the status that the daemon publishes: `sidekick status` does not show it.',
    'Let the role of the etcd user write the prefix `status/`: see docs/security.md.',
  ),
  debug(
    'keys-failed',
    'Keys could not be written: retrying. What an operator can mend is logged as an event of its own.',
  ),

  // Registrar
  info('address-found', 'An `auto:` address was found or has changed.'),
  warn('address-unknown', 'An `auto:` address cannot be found: retrying.', 'Check the network interface.'),
  warn(
    'address-local',
    'Only this host can reach the `auto:` address.',
    'Give the address, or auto:<interface>:<port>.',
  ),
  error(
    'address-unusable',
    'The address of this host has changed, but the new one cannot be used.',
    'See `reason`.',
  ),
  info('instance-healthy', 'The probe of an instance succeeds: it is registered.'),
  warn(
    'instance-unhealthy',
    'The probe of an instance fails: it is not registered.',
    'Check the service; `reason` says what failed.',
  ),
  info('maintenance-started', 'An operator drains an instance of this host.'),
  info('maintenance-ended', 'The operator has ended the drain.'),
  info('drain-started', 'The stop waits until the watchers have drained the instances of this host.'),
  info('drain-finished', 'The drain is over: `outcome` says how.'),
  warn(
    'drain-timed-out',
    'Not every watcher acknowledged the drain in time: the instances are deregistered.',
    'Compare drainTimeout with the drain timeouts of the watchers.',
  ),
  warn(
    'drain-refused',
    'etcd refuses the drain request: the key is removed instead.',
    'Check the role of the etcd user.',
  ),
  warn(
    'drain-watchers-unknown',
    'etcd does not permit reading the watchers: the stop waits for its whole drainTimeout.',
    'Permit the etcd user to read the control prefix.',
  ),

  // Watcher: etcd
  info('etcd-connected', 'etcd has been read.'),
  warn('etcd-unavailable', 'etcd does not answer: NGINX keeps its servers.', 'Check etcd and the network.'),
  error(
    'etcd-refused',
    'etcd refuses to be read: NGINX keeps its servers.',
    'Check the credentials and the role of the etcd user.',
  ),
  warn(
    'registration-rejected',
    'A key is not a valid registration.',
    'Correct the key in `key`; `reason` says what is wrong.',
  ),
  warn(
    'registration-field-ignored',
    'A registration is valid, but a part of it is ignored.',
    'Correct the value of the key.',
  ),
  warn(
    'service-limited',
    'A service has reached limits.instances or limits.bytes: later keys are left out.',
    'Find out who writes the keys, or raise the limits.',
  ),
  info('host-addresses-changed', 'The addresses of this host have changed. No server may have one of them.'),
  warn(
    'host-addresses-unknown',
    'The addresses of this host cannot be read: the last known ones count.',
    'See `reason`.',
  ),
  warn(
    'instance-lost',
    'The lease of an instance expired or was revoked, and nobody had drained it.',
    'Check its host and its sidekick.',
  ),
  info('unhold-requested', 'An operator ran `sidekick unhold`.'),

  // Watcher: NGINX
  info('nginx-connected', 'NGINX answers.'),
  warn('nginx-unavailable', 'NGINX does not answer: retrying.', 'Check NGINX and the URL of its API.'),
  warn(
    'nginx-refused',
    'Something answers that is not the NGINX API, or that denies access.',
    'Check nginx.api and the credentials.',
  ),
  info('nginx-reloaded', 'NGINX was reloaded or restarted: its upstreams are read and set again.'),
  warn(
    'upstream-list-unreadable',
    'NGINX does not list its upstreams: the known ones are kept.',
    'See `reason`.',
  ),
  warn('upstream-unreadable', 'NGINX does not show the servers of an upstream.', 'See `reason`.'),
  warn(
    'upstream-full',
    'The zone of an upstream has no room for another server.',
    'Make the zone larger in the NGINX configuration.',
  ),
  warn(
    'service-unmapped',
    'A service has no upstream, or more than one.',
    'See `upstreams` in the configuration.',
  ),
  info('server-added', 'A server was added to an upstream.'),
  info('server-updated', 'The parameters of a server were changed.'),
  info('server-draining', 'A server gets no new requests or connections.'),
  info('server-removed', 'A server was removed from an upstream: `reason` says why.'),
  warn('server-failed', 'NGINX did not make a change: retrying.', 'See `reason`.'),
  info('server-healthy', "The watcher's probe of a server succeeds again."),
  warn('server-unhealthy', "The watcher's probe of a server fails: it gets no traffic.", 'Check the server.'),
  warn(
    'servers-held',
    'Too many instances vanished at once: the guard holds their servers.',
    'If they are really gone, run `sidekick unhold`; otherwise check etcd.',
  ),
  info('servers-unheld', 'The guard no longer holds servers.'),
  warn('drain-deferred', 'No other server of the upstream serves yet: the servers stay until one does.'),
  error('controller-failed', 'An unexpected error while NGINX was asked: retrying.', 'Report it.'),
  error('worker-failed', 'An unexpected error in the work on an upstream: it starts again.', 'Report it.'),

  // Firmware
  info('firmware-offered', 'NGINX has what it offers to devices.'),
  warn(
    'firmware-offer-failed',
    'What NGINX offers to devices cannot be written to it: retrying.',
    'Check the keyval zone and the NGINX API.',
  ),
  warn(
    'firmware-rejected',
    'A type or a release of firmware is not offered, or the files of a release are not fetched.',
    'See `reason`; a release that no release key has signed may be the work of an intruder.',
  ),
  info('firmware-announced', 'A broker has a new message for the devices of a type: see --firmware-push.'),
  warn(
    'firmware-announce-failed',
    'A broker cannot be told what devices are offered: retrying.',
    'Check the broker, and firmware.mqtt.',
  ),
  info(
    'firmware-announce-recovered',
    'A broker could not be told what devices are offered, and has been told again.',
  ),
  warn(
    'firmware-halted',
    'A rollout is paused because more devices failed or were lost than its limit allows: no device is offered it any more.',
    'See `sidekick firmware status`; publish a fixed release and rescue with it, or `resume`.',
  ),
  info('firmware-phase-begun', 'The next phase of a rollout has begun: its gate was met.'),
  warn(
    'firmware-outcomes-uncounted',
    'An NGINX does not count the outcomes of firmware: no rollout halts or goes on because of its devices.',
    'Bring its configuration up to date (docs/upgrading.md).',
  ),
  warn(
    'firmware-outcomes-unavailable',
    'An NGINX does not report the outcomes of firmware: retrying.',
    'Check NGINX and access to /firmware/outcomes beside its API.',
  ),
  info('firmware-outcomes-counted', 'An NGINX reports the outcomes of firmware again.'),
  warn(
    'firmware-rollout-failed',
    'The outcomes of firmware, or how a rollout goes on, cannot be written to etcd: retrying.',
    'Check etcd, and that the role of the etcd user may write the prefix `firmware/`: see docs/security.md.',
  ),
  info('firmware-file-fetched', 'A firmware file was fetched from another firmware server.'),
  warn(
    'firmware-file-missing',
    'A firmware file is missing on this host: retrying.',
    'See `reason`; publish it again with --repair.',
  ),
  warn(
    'firmware-file-damaged',
    'A firmware file was damaged and has been removed: it is fetched again.',
    'Check the disk.',
  ),
  error(
    'firmware-disk-failed',
    'The firmware directory cannot be read or written: retrying.',
    'Check the disk and the permissions.',
  ),
];

function debug(name: string, meaning: string, remedy?: string): EventDeclaration {
  return { name, level: 'debug', meaning, remedy };
}

function info(name: string, meaning: string, remedy?: string): EventDeclaration {
  return { name, level: 'info', meaning, remedy };
}

function warn(name: string, meaning: string, remedy?: string): EventDeclaration {
  return { name, level: 'warn', meaning, remedy };
}

function error(name: string, meaning: string, remedy?: string): EventDeclaration {
  return { name, level: 'error', meaning, remedy };
}
