/** The shell loop: Debian's etcdctl and curl, in a container that is in the network of the host. */
import { randomBytes } from 'node:crypto';
import { ownerLabels } from '../../support/containers/owner.js';
import { Child } from '../host/child.js';
import { containerCpu, containerMemory } from '../host/container-usage.js';
import type { Contender, Running } from './contender.js';

const IMAGE = 'sidekick-bench-shell';

function docker(...args: readonly string[]): Child {
  const { DOCKER_HOST } = process.env;
  return new Child('docker', args, DOCKER_HOST === undefined ? {} : { DOCKER_HOST });
}

/** A script of the image at work; it ends with its container. */
export class ShellScript implements Running {
  readonly #name = `${IMAGE}-${randomBytes(4).toString('hex')}`;
  readonly #child: Child;

  constructor(script: string, args: readonly string[]) {
    const labels = Object.entries(ownerLabels()).map(([name, value]) => `--label=${name}=${value}`);
    const run = ['run', '--rm', '-i', '--network=host', `--name=${this.#name}`, ...labels];
    this.#child = docker(...run, IMAGE, `/opt/${script}`, ...args);
  }

  get startedAt(): number {
    return this.#child.startedAt;
  }

  /** Resolves once it has printed a line. */
  async printed(line: RegExp): Promise<void> {
    await this.whileRunning(this.#child.out.waitFor(line));
  }

  tell(line: string): void {
    this.#child.tell(line);
  }

  whileRunning<T>(work: Promise<T>): Promise<T> {
    return this.#child.whileRunning(work);
  }

  cpu(): Promise<number> {
    return containerCpu(this.#name);
  }

  rss(): Promise<number> {
    return containerMemory(this.#name);
  }

  async stop(): Promise<void> {
    await docker('rm', '-f', this.#name).succeeded();
    await this.#child.ended();
  }
}

export const shellLoop: Contender = {
  name: 'shell loop',
  watch: async ({ etcd, nginx }, { sync }) =>
    new ShellScript('watch.sh', [etcd.url, nginx.url, ...(sync ? ['sync'] : [])]),
};
