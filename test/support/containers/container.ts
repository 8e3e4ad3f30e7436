/** One container: started ready, and then killed, paused, stopped and started again as a test or the story wants it. */
import {
  type ExecResult,
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
  StartupCheckStrategy,
  type StartupStatus,
} from 'testcontainers';
import { LogBuffer } from './log-buffer.js';
import type { TestNetwork } from './network.js';
import { ownerLabels } from './owner.js';
import { freePort } from './ports.js';
import { until } from './until.js';

export interface ContainerSpec {
  image: string;
  /** Its host name on the network; the container's name is `<network>-<name>`. */
  name: string;
  network: TestNetwork;
  /** Lives in this container's network namespace instead of its own. */
  beside?: Container;
  /** Lives in the host's network namespace, and not on the network. */
  onHost?: boolean;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  /** Contents of files that are put into it before it starts, by their paths. Everybody there may read them. */
  files?: Record<string, string>;
  /** Security options, as `docker run --security-opt` takes them. */
  security?: string[];
  /** File systems in memory, with their mount options, by where they are mounted. */
  tmpfs?: Record<string, string>;
  /** Directories of this machine by where they are mounted. */
  binds?: Record<string, string>;
  /** Directories with a volume of their own: it begins with what the image has there, and goes with the container. */
  volumes?: string[];
  /** Has the volumes of this container too. */
  volumesOf?: Container;
  /** Groups of its user beside the image's, by their numbers. */
  groups?: number[];
  /** Container ports to publish on the host's loopback. Their host ports stay the same for the container's life. */
  ports?: number[];
  /** Host ports for some of `ports`; the others get free ones. */
  hostPorts?: Record<number, number>;
  /** Resolves once the service in the container answers. The lines of this life in its log begin at `from`. */
  ready?: (container: Container, from: number) => Promise<unknown>;
}

class Running extends StartupCheckStrategy {
  // Services say for themselves when they answer; all that is wanted here is that the container was started.
  checkStartupState(): Promise<StartupStatus> {
    return Promise.resolve('SUCCESS');
  }
}

class OwnedContainer extends GenericContainer {
  constructor(spec: ContainerSpec, published: ReadonlyMap<number, number>) {
    super(spec.image);
    this.withName(`${spec.network.name}-${spec.name}`)
      .withLabels({ ...ownerLabels(), 'sidekick.network': spec.network.name, 'sidekick.name': spec.name })
      .withEnvironment(spec.environment ?? {})
      .withAutoCleanup(false)
      .withWaitStrategy(new Running());
    if (spec.files)
      this.withCopyContentToContainer(
        Object.entries(spec.files).map(([target, content]) => ({ target, content })),
      );
    if (spec.tmpfs) this.withTmpFs(spec.tmpfs);
    if (spec.binds)
      this.withBindMounts(Object.entries(spec.binds).map(([target, source]) => ({ source, target })));
    if (spec.command) this.withCommand(spec.command);
    if (spec.entrypoint) this.withEntrypoint(spec.entrypoint);
    if (spec.onHost) this.withNetworkMode('host');
    else if (spec.beside) this.withNetworkMode(`container:${spec.beside.id}`);
    else this.#join(spec);
    if (spec.security) this.hostConfig.SecurityOpt = spec.security;
    if (spec.volumes) this.createOpts.Volumes = Object.fromEntries(spec.volumes.map((path) => [path, {}]));
    if (spec.volumesOf) this.hostConfig.VolumesFrom = [spec.volumesOf.id];
    if (spec.groups) this.hostConfig.GroupAdd = spec.groups.map(String);
    // Not by withExposedPorts, which would publish them on every interface of the host.
    this.createOpts.ExposedPorts = Object.fromEntries(
      [...published.keys()].map((port) => [`${port}/tcp`, {}]),
    );
    this.hostConfig.PortBindings = Object.fromEntries(
      [...published].map(([port, host]) => [
        `${port}/tcp`,
        [{ HostIp: '127.0.0.1', HostPort: String(host) }],
      ]),
    );
  }

  // Not by withNetworkAliases, which would put it on the default bridge as well.
  #join({ network, name }: ContainerSpec): void {
    this.withNetworkMode(network.name).withHostname(name);
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [network.name]: { Aliases: [name] } } };
  }
}

type Handle = Awaited<ReturnType<typeof getContainerRuntimeClient>>['container'];

/** A container that was started. It is gone when its network is removed, at the latest when the run ends. */
export class Container {
  readonly name: string;
  /** Everything it has printed, over all its lives. */
  readonly logs = new LogBuffer();
  readonly #spec: ContainerSpec;
  readonly #published: ReadonlyMap<number, number>;
  #client!: Handle;
  #started!: StartedTestContainer;
  #ip = '';

  constructor(spec: ContainerSpec, published: ReadonlyMap<number, number>) {
    this.name = spec.name;
    this.#spec = spec;
    this.#published = published;
  }

  get id(): string {
    return this.#started.getId();
  }

  /** Its address on the network; after a new start it may be another one. */
  get ip(): string {
    return this.#spec.beside?.ip ?? this.#ip;
  }

  get #handle() {
    return this.#client.getById(this.id);
  }

  /** The host's loopback port at which a container port is published, be it by the container whose network it is in. */
  port(containerPort: number): number {
    const port = this.#published.get(containerPort) ?? this.#spec.beside?.port(containerPort);
    if (port === undefined) throw new Error(`${this.name} does not publish port ${containerPort}`);
    return port;
  }

  /** Creates and starts the container. Called once, by {@link startContainer}. */
  async create(): Promise<void> {
    this.#client = (await getContainerRuntimeClient()).container;
    this.#started = await new OwnedContainer(this.#spec, this.#published).start();
    await this.#attach(0);
  }

  async #attach(since: number): Promise<void> {
    const from = this.logs.lines.length;
    this.logs.follow(await this.#client.logs(this.#handle, { follow: true, since }));
    await this.#readAddress();
    await this.#becomeReady(from);
  }

  async #readAddress(): Promise<void> {
    if (this.#spec.beside || this.#spec.onHost) return;
    const { NetworkSettings } = await this.#handle.inspect();
    this.#ip = NetworkSettings.Networks[this.#spec.network.name]?.IPAddress ?? '';
  }

  get #network() {
    return this.#client.dockerode.getNetwork(this.#spec.network.name);
  }

  // A container that ends will never be ready, and its last words say why.
  async #becomeReady(from: number): Promise<void> {
    if (!this.#spec.ready) return;
    const settled = new AbortController();
    const ended = this.#handle
      .wait({ abortSignal: settled.signal })
      .then(({ StatusCode }: { StatusCode: number }) => {
        const output = this.logs.lines.slice(-20).join('\n');
        throw new Error(`${this.name} ended with ${StatusCode} before it was ready:\n${output}`);
      });
    try {
      await Promise.race([this.#spec.ready(this, from), ended]);
    } finally {
      settled.abort();
      ended.catch(() => {});
    }
  }

  /** Runs a program in the container to its end. */
  exec(command: string[]): Promise<ExecResult> {
    return this.#started.exec(command);
  }

  /** Takes it off its network without a word, as a device that leaves the reach of its radio. */
  async vanish(): Promise<void> {
    const network = this.#client.dockerode.getNetwork(this.#spec.network.name);
    await network.disconnect({ Container: this.id, Force: true });
  }

  /** Sends a signal and does not wait for what comes of it. */
  async signal(name: NodeJS.Signals): Promise<void> {
    await this.#handle.kill({ signal: name });
  }

  /** Resolves with the exit code when the container's process has ended. */
  async exited(): Promise<number> {
    const { StatusCode } = (await this.#handle.wait()) as { StatusCode: number };
    return StatusCode;
  }

  /** Ends it without warning, as a host does that loses power. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL');
    await this.exited();
  }

  /** Asks it to end with the image's stop signal; SIGKILL follows after `timeoutS` (default 60 s). Resolves with the exit code. */
  async stop(timeoutS = 60): Promise<number> {
    await this.#handle.stop({ t: timeoutS });
    return this.exited();
  }

  /** Starts it again with what its file system held when it ended. */
  async start(): Promise<void> {
    const { State } = await this.#handle.inspect();
    await this.#handle.start();
    await this.#attach(Date.parse(State.FinishedAt) / 1000);
  }

  /** Puts a new container with an empty file system in its place, at the same name and host ports. */
  async replace(): Promise<void> {
    await this.remove();
    await this.create();
  }

  /** Freezes every process in it: connections stay open and nothing answers. */
  async pause(): Promise<void> {
    // The engine fails ("unable to freeze") where a process begins in it at that moment.
    await until(`${this.name} is frozen`, async () => {
      await this.#handle.pause();
      return true;
    });
  }

  async unpause(): Promise<void> {
    await this.#handle.unpause();
  }

  /** Takes it off its network, as a cable that is pulled. */
  async disconnect(): Promise<void> {
    await this.#network.disconnect({ Container: this.id });
  }

  /** Puts it back on its network, where it may get another address. */
  async connect(): Promise<void> {
    await this.#network.connect({ Container: this.id });
    await this.#readAddress();
  }

  async isRunning(): Promise<boolean> {
    return (await this.#handle.inspect()).State.Running;
  }

  async remove(): Promise<void> {
    await this.#handle.remove({ force: true, v: true });
  }
}

/** Starts a container and resolves when it is ready. */
export async function startContainer(spec: ContainerSpec): Promise<Container> {
  const published = new Map<number, number>();
  for (const port of spec.ports ?? []) published.set(port, spec.hostPorts?.[port] ?? (await freePort()));
  const container = new Container(spec, published);
  await container.create();
  return container;
}
