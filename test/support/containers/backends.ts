/** What is registered: firmware servers and MQTT brokers. */
import type { KeyPair } from '../certificates.js';
import { type Container, type ContainerSpec, startContainer } from './container.js';
import type { TestNetwork } from './network.js';
import { until } from './until.js';

const FIRMWARE_PORT = 8080;
/** Where a firmware server takes uploads. */
const UPLOAD_PORT = 8443;
const BROKER_PORT = 1883;
/** What takes uploads: docker/firmware/firmware-server.sh. */
const UPLOAD_ACCESS = '/etc/firmware/upload';

/** Where a firmware server has its releases. */
export const BLOBS = '/srv/firmware/blobs';

/** What a firmware server takes uploads with: its certificate, and the token that publishers have. */
export interface UploadAccess {
  readonly certificate: KeyPair;
  readonly token: string;
}

/** A file that every firmware server has, and its length in bytes. */
export interface FirmwareFile {
  path: string;
  length: number;
}

/** The files of the firmware image: the manifest is small, a build is 16 KiB or 1 MiB. */
export const FIRMWARE = {
  large: { path: '/esp32-1.0.0.bin', length: 1_048_576 },
  small: { path: '/esp32-1.0.1.bin', length: 16_384 },
  /** The large one as a device on a slow link takes it, in about four seconds. */
  slow: { path: '/slow/esp32-1.0.0.bin', length: 1_048_576 },
} as const satisfies Record<string, FirmwareFile>;

/** A backend: its container, and the port it serves at its container's address. */
export interface Backend {
  readonly container: Container;
  readonly service: 'firmware' | 'mqtt';
  readonly port: number;
  /** `ip:port`, as it is registered. */
  readonly address: string;
}

function backend(container: Container, service: Backend['service'], port: number): Backend {
  return {
    container,
    service,
    port,
    get address() {
      return `${container.ip}:${port}`;
    },
  };
}

/**
 * Starts a container that does nothing but be a host: what runs in its network namespace has its address, and has it
 * again when it is started again, as services on a host do. A backend's own container may get another.
 */
export function startHost(network: TestNetwork, name: string): Promise<Container> {
  return startContainer({
    image: 'sidekick-firmware',
    name,
    network,
    entrypoint: ['sleep'],
    command: ['infinity'],
    ports: [FIRMWARE_PORT, BROKER_PORT],
  });
}

/** In a host's network namespace, or with a network namespace and ports of its own. */
function at(host: Container | undefined, ...ports: number[]): Pick<ContainerSpec, 'beside' | 'ports'> {
  return host ? { beside: host } : { ports };
}

function uploadFiles({ certificate, token }: UploadAccess): Record<string, string> {
  return {
    [`${UPLOAD_ACCESS}/tls.crt`]: certificate.cert.toString(),
    [`${UPLOAD_ACCESS}/tls.key`]: certificate.key.toString(),
    [`${UPLOAD_ACCESS}/token`]: `${token}\n`,
  };
}

/** The upload listener of a firmware server, for publishers on the host. */
export function uploadUrl({ container }: Backend): string {
  return `https://localhost:${container.port(UPLOAD_PORT)}`;
}

/** Starts the firmware server `firmware-<number>`, on a host or by itself; it takes uploads where it is given access to them. */
export async function startFirmware(
  network: TestNetwork,
  number: number,
  host?: Container,
  upload?: UploadAccess,
): Promise<Backend> {
  const container = await startContainer({
    image: 'sidekick-firmware',
    name: `firmware-${number}`,
    network,
    volumes: [BLOBS],
    ...(upload && { files: uploadFiles(upload) }),
    ...at(host, FIRMWARE_PORT, ...(upload ? [UPLOAD_PORT] : [])),
    ready: (self) =>
      until(`firmware-${number} answers`, async () => {
        const response = await fetch(`http://127.0.0.1:${self.port(FIRMWARE_PORT)}/healthz`);
        await response.arrayBuffer();
        return response.ok;
      }),
  });
  return backend(container, 'firmware', FIRMWARE_PORT);
}

/** Starts the broker `broker-<number>`, on a host or by itself. */
export async function startBroker(network: TestNetwork, number: number, host?: Container): Promise<Backend> {
  const container = await startContainer({
    image: 'sidekick-mosquitto',
    name: `broker-${number}`,
    network,
    ...at(host, BROKER_PORT),
    ready: ({ logs }, from) => logs.waitFor(/mosquitto version \S+ running/, { from }),
  });
  return backend(container, 'mqtt', BROKER_PORT);
}
