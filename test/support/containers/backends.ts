/** What is registered: firmware servers and MQTT brokers. */
import { type Container, startContainer } from './container.js';
import type { TestNetwork } from './network.js';
import { until } from './until.js';

const FIRMWARE_PORT = 8080;
const BROKER_PORT = 1883;

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

/** Starts the firmware server `firmware-<number>`. */
export async function startFirmware(network: TestNetwork, number: number): Promise<Backend> {
  const container = await startContainer({
    image: 'sidekick-firmware',
    name: `firmware-${number}`,
    network,
    ports: [FIRMWARE_PORT],
    ready: (self) =>
      until(`firmware-${number} answers`, async () => {
        const response = await fetch(`http://127.0.0.1:${self.port(FIRMWARE_PORT)}/healthz`);
        await response.arrayBuffer();
        return response.ok;
      }),
  });
  return backend(container, 'firmware', FIRMWARE_PORT);
}

/** Starts the broker `broker-<number>`. */
export async function startBroker(network: TestNetwork, number: number): Promise<Backend> {
  const container = await startContainer({
    image: 'sidekick-mosquitto',
    name: `broker-${number}`,
    network,
    ports: [BROKER_PORT],
    ready: ({ logs }) => logs.waitFor(/mosquitto version \S+ running/),
  });
  return backend(container, 'mqtt', BROKER_PORT);
}
