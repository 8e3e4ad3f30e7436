/** Servers that tests control to the byte. They run here, in the test's process, where the gateway can reach them. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { getContainerRuntimeClient } from 'testcontainers';
import type { TestNetwork } from '../../support/containers/index.js';

/** The address at which containers of a network reach this machine, and at which nobody else does. */
export async function hostAddress(network: TestNetwork): Promise<string> {
  return (await addressing(network)).Gateway;
}

/** The subnet of a network, such as `172.30.0.0/16`: which one it is depends on the engine. */
export async function subnetOf(network: TestNetwork): Promise<string> {
  return (await addressing(network)).Subnet;
}

async function addressing(network: TestNetwork): Promise<{ Gateway: string; Subnet: string }> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const { IPAM } = await dockerode.getNetwork(network.name).inspect();
  const { Gateway, Subnet } = IPAM?.Config?.[0] ?? {};
  if (Gateway === undefined || Subnet === undefined) {
    throw new Error(`network ${network.name} has no gateway or subnet`);
  }
  return { Gateway, Subnet };
}

/** A server under test control. */
export interface Backend {
  /** `ip:port`, as the API wants it. */
  readonly server: string;
  /** Requests or sessions so far. */
  hits: number;
  /** TCP connections so far. */
  connections: number;
  close(): Promise<void>;
}

async function listen(server: net.Server, host: string, port = 0): Promise<Backend> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    backend.connections++;
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const backend: Backend = {
    server: `${host}:${(server.address() as net.AddressInfo).port}`,
    hits: 0,
    connections: 0,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return backend;
}

/** What an HTTP server does with a request, at once or in its own time. */
export type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

/** An HTTP server; without a handler it answers with its own address. */
export async function startHttp(host: string, handler?: Handler): Promise<Backend> {
  const server = http.createServer((request, response) => {
    backend.hits++;
    if (handler) handler(request, response);
    else response.end(backend.server);
  });
  const backend = await listen(server, host);
  return backend;
}

/**
 * A broker as far as load balancing sees one: CONNACK for CONNECT, then its own address as a line, then an echo. `port`:
 * of its own, or that of one that was closed.
 */
export async function startMqtt(host: string, port = 0): Promise<Backend> {
  const server = net.createServer((socket) => {
    backend.hits++;
    socket.once('data', () => {
      socket.write(Buffer.concat([Buffer.from([0x20, 2, 0, 0]), Buffer.from(`${backend.server}\n`)]));
      socket.pipe(socket);
    });
  });
  const backend = await listen(server, host, port);
  return backend;
}

/** Something a test lets happen when it wants it to. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A server that speaks first: it greets whoever connects with its own address. */
export async function startGreeter(host: string): Promise<Backend> {
  const server = net.createServer((socket) => {
    backend.hits++;
    socket.write(backend.server);
  });
  const backend = await listen(server, host);
  return backend;
}
