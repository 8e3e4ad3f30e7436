import { drainScope, statusScope, undrainScope, unholdScope } from '../config/operator.js';
import { registerScope } from '../config/register.js';
import { watchScope } from '../config/watch.js';
import { command } from './command.js';
import { FIRMWARE_COMMANDS } from './firmware/commands.js';
import type { CommandGroup, CommandTable } from './program.js';

const INSTANCE = [
  { name: 'service', doc: 'Name of the service, such as firmware.' },
  { name: 'address', doc: 'The instance as ip:port, such as 10.0.0.11:8080.' },
];

/** Every command. What a command does is loaded only when it runs. */
export const COMMANDS: CommandTable = [
  command({
    name: 'register',
    summary: 'Keep a service registered in etcd for as long as it is healthy.',
    description:
      'Registers services of this host in etcd under a lease, for as long as their probes find them healthy.\n' +
      'When it is stopped it first has them drained and taken out of NGINX.',
    args: [],
    examples: [
      'sidekick register --service firmware --address 10.0.0.11:8080 --probe-type http --probe-path /healthz',
      'sidekick register --service mqtt --address auto:1883 --probe-type mqtt --etcd-endpoints http://etcd:2379',
      'sidekick register --config /etc/sidekick/host.yaml',
    ],
    scope: registerScope,
    file: 'strict',
    run: async (invocation) => (await import('./register.js')).register(invocation),
  }),
  command({
    name: 'watch',
    summary: 'Keep the upstreams of NGINX equal to what is registered.',
    description:
      'Watches etcd, and keeps the http and stream upstream groups of NGINX equal to what is registered there:\n' +
      'adds, updates, drains and removes servers through the NGINX Plus API, without a reload.',
    args: [],
    examples: [
      'sidekick watch --etcd-endpoints http://etcd:2379 --nginx-api http://127.0.0.1:8080/api',
      'sidekick watch --config /etc/sidekick/watch.yaml --dry-run',
    ],
    scope: watchScope,
    file: 'strict',
    run: async (invocation) => (await import('./watch.js')).watch(invocation),
  }),
  command({
    name: 'status',
    summary: 'Show how a running sidekick or watcher stands.',
    description: 'Shows what a running `sidekick register` or `sidekick watch` says of itself.',
    args: [],
    examples: ['sidekick status', 'sidekick status --admin http://127.0.0.1:9465 --json'],
    scope: statusScope,
    file: 'none',
    run: async (invocation) => (await import('./status.js')).status(invocation),
  }),
  command({
    name: 'drain',
    summary: 'Take an instance out of every NGINX, gently, until it is undrained.',
    description:
      'Asks every watcher to drain an instance: it gets nothing new, and is removed when it is idle.\n' +
      'It stays out, however often it registers, until `sidekick undrain`.',
    args: INSTANCE,
    examples: ['sidekick drain firmware 10.0.0.11:8080 --wait'],
    scope: drainScope,
    file: 'lenient',
    run: async (invocation) => (await import('./drain.js')).drain(invocation),
  }),
  command({
    name: 'undrain',
    summary: 'Let a drained instance back in.',
    description:
      'Takes back a `sidekick drain`: the instance gets traffic again as long as it is registered.',
    args: INSTANCE,
    examples: ['sidekick undrain firmware 10.0.0.11:8080'],
    scope: undrainScope,
    file: 'lenient',
    run: async (invocation) => (await import('./undrain.js')).undrain(invocation),
  }),
  command({
    name: 'unhold',
    summary: 'Let go the vanished servers of a service that the guard holds in NGINX.',
    description:
      'When many servers vanish at once, every watcher keeps them in NGINX for a while, in case etcd is at fault.\n' +
      'This tells the watchers that they are really gone.',
    args: [{ name: 'service', doc: 'Name of the service, such as firmware.' }],
    examples: ['sidekick unhold firmware'],
    scope: unholdScope,
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
    summary: 'Check or print the configuration of a command.',
    commands: (['check', 'print'] as const).map(configCommands),
  },
];

/** `config check register` and its siblings take what the command itself takes. */
function configCommands(verb: 'check' | 'print'): CommandGroup {
  const what =
    verb === 'check' ? 'Say whether the configuration is right' : 'Print the configuration that takes effect';
  const common = (name: string) => ({
    name,
    summary: `${what} for \`sidekick ${name}\`.`,
    description: `${what} for \`sidekick ${name}\`, given the same options.`,
    args: [],
    examples: [`sidekick config ${verb} ${name} --config /etc/sidekick/${name}.yaml`],
    file: 'strict' as const,
  });
  return {
    name: verb,
    summary: `${what}.`,
    commands: [
      command({
        ...common('register'),
        scope: registerScope,
        run: async (invocation) => (await import('./config.js')).registerConfig(verb, invocation),
      }),
      command({
        ...common('watch'),
        scope: watchScope,
        run: async (invocation) => (await import('./config.js')).watchConfig(verb, invocation),
      }),
    ],
  };
}
