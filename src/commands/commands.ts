import { type CommandTable, command } from './command.js';
import { COMPLETION_COMMANDS } from './completion/commands.js';
import { CONFIG_COMMANDS } from './config/commands.js';
import { FIRMWARE_COMMANDS } from './firmware/commands.js';
import { keepYoungGenerationSmall } from './heap-flags.js';

const INSTANCE = [
  { name: 'service', doc: 'Name of the service, such as firmware.' },
  { name: 'address', doc: 'Address of the instance as ip:port, such as 10.0.0.11:8080.' },
];

const SCOPES = {
  register: async () => (await import('../config/register.js')).registerScope,
  watch: async () => (await import('../config/watch.js')).watchScope,
  events: async () => (await import('../config/events.js')).eventsScope,
  status: async () => (await import('../config/status.js')).statusScope,
  drain: async () => (await import('../config/operator.js')).drainScope,
  undrain: async () => (await import('../config/operator.js')).undrainScope,
  unhold: async () => (await import('../config/operator.js')).unholdScope,
};

/** Every command. Its options and its code are loaded only when it is used. */
export const COMMANDS: CommandTable = [
  command({
    name: 'register',
    summary: 'Keep services registered in etcd while they are healthy.',
    description:
      'Registers services of this host in etcd under a lease, as long as their probes succeed.\n' +
      'When it is stopped, it first has the services drained and removed from NGINX.',
    args: [],
    examples: [
      'sidekick register --service firmware --address 10.0.0.11:8080 --probe-type http --probe-path /healthz',
      'sidekick register --service mqtt --address auto:1883 --probe-type mqtt --etcd-endpoints http://etcd:2379',
      'sidekick register --config /etc/sidekick/host.yaml',
    ],
    scope: SCOPES.register,
    file: 'strict',
    run: async (invocation) => {
      keepYoungGenerationSmall();
      return (await import('./register.js')).register(invocation);
    },
  }),
  command({
    name: 'watch',
    summary: 'Keep the upstreams of NGINX in sync with etcd.',
    description:
      'Watches the registrations in etcd and keeps the http and stream upstreams of NGINX in sync with them:\n' +
      'adds, updates, drains and removes servers through the NGINX Plus API, without a reload.',
    args: [],
    examples: [
      'sidekick watch --etcd-endpoints http://etcd:2379 --nginx-api http://127.0.0.1:8080/api',
      'sidekick watch --config /etc/sidekick/watch.yaml --dry-run',
    ],
    scope: SCOPES.watch,
    file: 'strict',
    run: async (invocation) => (await import('./watch.js')).watch(invocation),
  }),
  command({
    name: 'status',
    summary: 'Show the whole fleet, or one service: what is registered, what NGINX has, and what is wrong.',
    description:
      'Shows from etcd what is registered, what each NGINX has it as, the running watchers, and what to do about what is wrong.\n' +
      'With --local it asks one running `sidekick register` or `sidekick watch`. Exits with 0 if all is in sync, otherwise with 1.',
    args: [{ name: 'service', doc: 'Only this service, with all its instances.', optional: true }],
    examples: ['sidekick status', 'sidekick status firmware --watch', 'sidekick status --local'],
    scope: SCOPES.status,
    file: 'lenient',
    run: async (invocation) => (await import('./status.js')).status(invocation),
  }),
  command({
    name: 'events',
    summary: 'Show what a running registrar or watcher has changed, and why.',
    description:
      'Shows the last 1000 events of a running `sidekick watch` or `sidekick register`: what became of each server, and why.\n' +
      'They are kept in memory: those of before its start are not known.',
    args: [
      { name: 'service', doc: 'Only events of this service, and those of NGINX and etcd.', optional: true },
    ],
    examples: ['sidekick events firmware --since 10m', 'sidekick events --follow --json'],
    scope: SCOPES.events,
    file: 'none',
    run: async (invocation) => (await import('./events.js')).events(invocation),
  }),
  command({
    name: 'drain',
    summary: 'Drain an instance and keep it out of every NGINX until `sidekick undrain`.',
    description:
      'Asks every watcher to drain an instance: it gets no new requests or connections, and is removed once it is idle.\n' +
      'It stays out until `sidekick undrain`, even if it registers again.',
    args: INSTANCE,
    examples: ['sidekick drain firmware 10.0.0.11:8080 --wait'],
    scope: SCOPES.drain,
    file: 'lenient',
    run: async (invocation) => (await import('./drain.js')).drain(invocation),
  }),
  command({
    name: 'undrain',
    summary: 'End the drain of an instance.',
    description: 'Ends a `sidekick drain`: the instance gets traffic again while it is registered.',
    args: INSTANCE,
    examples: ['sidekick undrain firmware 10.0.0.11:8080'],
    scope: SCOPES.undrain,
    file: 'lenient',
    run: async (invocation) => (await import('./undrain.js')).undrain(invocation),
  }),
  command({
    name: 'unhold',
    summary: 'Let the watchers remove the servers of a service that the guard holds.',
    description:
      'If many instances vanish at once, the guard of each watcher holds their servers in NGINX for a while, because etcd may be at fault.\n' +
      'This command tells the watchers that the instances are really gone.',
    args: [{ name: 'service', doc: 'Name of the service, such as firmware.' }],
    examples: ['sidekick unhold firmware'],
    scope: SCOPES.unhold,
    file: 'lenient',
    run: async (invocation) => (await import('./unhold.js')).unhold(invocation),
  }),
  {
    name: 'firmware',
    summary: 'Roll firmware out to devices in stages, and see who is offered what.',
    commands: FIRMWARE_COMMANDS,
  },
  {
    name: 'config',
    summary: 'Check, print or begin the configuration of a command.',
    commands: CONFIG_COMMANDS,
  },
  {
    name: 'completion',
    summary: 'Print the completion for a shell.',
    commands: COMPLETION_COMMANDS,
  },
  command({
    name: 'version',
    summary: 'Print the version, the commit and the build date.',
    description:
      'Prints which sidekick this is: its version, the commit and the date of its build, and the Node.js that runs it.',
    args: [],
    examples: ['sidekick version', 'sidekick version --json'],
    scope: async () => (await import('../config/version.js')).versionScope,
    file: 'none',
    run: async (invocation) => (await import('./version.js')).version(invocation),
  }),
];
