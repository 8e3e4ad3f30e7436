/**
 * Whose a container is. Every container and network of ours carries a label that names the process it was started
 * for, so that what a dead run left behind can be told from what another run is using, and from other people's.
 */
import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { getContainerRuntimeClient } from 'testcontainers';

const OWNER_LABEL = 'sidekick.owner';
// Not `SIDEKICK_…`: sidekick would take it for a misspelled option and say so.
const OWNER_VARIABLE = 'TEST_CONTAINERS_OWNER';
const KEPT = 'kept';

/** `<host>/<pid>` of the process that all of this run's containers belong to: a test worker's are its main process's. */
function owner(): string {
  return process.env[OWNER_VARIABLE] ?? `${hostname()}/${process.pid}`;
}

/** Makes this process the owner of what it and the processes it starts will start. */
export function becomeOwner(): void {
  process.env[OWNER_VARIABLE] = `${hostname()}/${process.pid}`;
}

/** What is started from now on may outlive this process: it is never taken for something left behind. */
export function keepWhatIsStarted(): void {
  process.env[OWNER_VARIABLE] = `${KEPT}/${process.pid}`;
}

/** The labels of a container or network of this run. */
export function ownerLabels(): Record<string, string> {
  return { [OWNER_LABEL]: owner() };
}

/** A `docker … --filter` that matches this run's containers and networks. */
function ownerFilter(): string {
  return `label=${OWNER_LABEL}=${owner()}`;
}

function isDead(label: string): boolean {
  const [host, pid] = label.split('/');
  if (host !== hostname() || pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes the containers, then the networks, whose owner satisfies `condition`. Returns how many there were. */
async function removeWhere(condition: (owner: string) => boolean): Promise<number> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const filters = { label: [OWNER_LABEL] };
  const isMeant = ({ Labels }: { Labels?: Record<string, string> | undefined }): boolean =>
    condition(Labels?.[OWNER_LABEL] ?? '');
  const containers = (await dockerode.listContainers({ all: true, filters })).filter(isMeant);
  await Promise.all(
    containers.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone)),
  );
  const networks = (await dockerode.listNetworks({ filters })).filter(isMeant);
  await Promise.all(networks.map(({ Id }) => dockerode.getNetwork(Id).remove().catch(ignoreGone)));
  return containers.length + networks.length;
}

// 404: gone already; 409: its removal is under way.
function ignoreGone(error: { statusCode?: number }): void {
  if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
}

/** Removes what runs left behind whose process no longer lives on this host. */
export function removeStale(): Promise<number> {
  return removeWhere(isDead);
}

/** Removes everything that was started for this run. */
export function removeOwned(): Promise<number> {
  const mine = owner();
  return removeWhere((label) => label === mine);
}

function docker(...args: string[]): string[] {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .filter(Boolean);
}

/**
 * Removes everything that was started for this run before this process ends, however it ends short of SIGKILL.
 * Returns what calls that off.
 */
export function removeOwnedOnExit(): () => void {
  function remove(): void {
    try {
      const containers = docker('ps', '-aq', '--filter', ownerFilter());
      if (containers.length > 0) docker('rm', '-fv', ...containers);
      const networks = docker('network', 'ls', '-q', '--filter', ownerFilter());
      if (networks.length > 0) docker('network', 'rm', ...networks);
    } catch {
      // The next run removes what could not be removed now.
    }
  }
  process.once('exit', remove);
  return () => process.off('exit', remove);
}
