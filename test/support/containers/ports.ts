/** Host ports for containers that are stopped and started again and have to be found where they were. */
import { createServer } from 'node:net';

// Below the range from which systems choose the ports of outgoing connections (32768 on Linux): one of those could
// otherwise take the port of a container that happens to be down.
const LOWEST = 15_000;
const COUNT = 15_000;

const given = new Set<number>();

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A TCP port of the loopback interface that nothing listens on, and that this process has not given out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}
