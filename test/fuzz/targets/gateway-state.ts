import { type FullGateway, startFullGateway } from '../../integration/gateway/gateway.js';
import { startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { fc } from '../../support/property.js';
import { groupChanges, groupState, zoneState } from '../inputs/state.js';
import type { Acceptance, Subject, Target } from '../target.js';

interface Files {
  readonly http: string;
  readonly stream: string;
  readonly changes: string;
  readonly zone: string;
}

const DIRECTORY = '/var/lib/sidekick-gateway';
/** Writes files into the directory `$0`; the arguments are names and contents, the latter in Base64. */
const WRITE =
  'while [ $# -gt 1 ]; do printf %s "$2" | base64 -d > "$0/$1"; shift 2; done; chown www-data: "$0"/*';

class GatewayState implements Subject<Files> {
  readonly #network: TestNetwork;
  readonly #gateway: FullGateway;

  private constructor(network: TestNetwork, gateway: FullGateway) {
    this.#network = network;
    this.#gateway = gateway;
  }

  static async open(): Promise<GatewayState> {
    const network = await startNetwork('sidekick-fuzz');
    return new GatewayState(network, await startFullGateway(network));
  }

  readonly judge = async ({ http, stream, changes, zone }: Files): Promise<Acceptance> => {
    const { container, api } = this.#gateway;
    const from = container.logs.lines.length;
    await this.#write({
      'http.firmware': http,
      'http.firmware.changes0': changes,
      'http.backend': 'server 10.9.9.9:1;\n',
      'stream.mqtt': stream,
      'http.keyval.firmware': zone,
    });
    await container.kill();
    await container.start();
    const paths = [
      '/http/upstreams/firmware/servers',
      '/stream/upstreams/mqtt/servers',
      '/http/keyvals/firmware',
    ];
    let accepted = 0;
    for (const path of paths) {
      const { status, body } = await api.get(path);
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
      accepted += Object.keys(body).length;
    }
    await this.#changes('/http/upstreams/firmware/servers', { server: '10.8.8.8:1' });
    await this.#changes('/stream/upstreams/mqtt/servers', { server: '10.8.8.8:1' });
    await this.#changes('/http/keyvals/firmware', { 'a key of its own': '1' });
    const { body: other } = await api.get('/http/upstreams/backend/servers');
    if (other.length !== 1) throw new Error(`the other group has ${JSON.stringify(other)}`);
    const ignored = container.logs.lines
      .slice(from)
      .flatMap((line) => /: ignored (.*)/.exec(line)?.[1] ?? []);
    return { accepted: accepted + 1, rejected: ignored };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network.remove();
  }

  async #changes(path: string, body: object): Promise<void> {
    const answer = await this.#gateway.api.call('POST', path, body);
    if (answer.status !== 201)
      throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  async #write(files: Readonly<Record<string, string>>): Promise<void> {
    const words = Object.entries(files).flatMap(([name, text]) => [
      name,
      Buffer.from(text).toString('base64'),
    ]);
    const empty = ['sh', '-c', `rm -rf ${DIRECTORY}/*`];
    for (const command of [empty, ['sh', '-c', WRITE, DIRECTORY, ...words]]) {
      const { exitCode, output } = await this.#gateway.container.exec(command);
      if (exitCode !== 0) throw new Error(output);
    }
  }
}

export const gatewayState: Target<Files> = {
  name: 'gateway-state',
  about: 'state files, to a gateway that starts',
  inputs: fc
    .record({ http: groupState, stream: groupState, changes: groupChanges, zone: zoneState })
    // An argument of a program in the container is no longer.
    .filter((files) => Object.values(files).every((text) => text.length < 60_000)),
  short: 2,
  bound: 60_000,
  open: () => GatewayState.open(),
};
