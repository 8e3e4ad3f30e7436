import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { type FullGateway, startFullGateway } from '../../integration/gateway/gateway.js';
import { API_TOKEN, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { fc } from '../../support/property.js';
import { type ApiRequest, apiRequest } from '../inputs/api.js';
import { type ApiAnswer, judgeAnswer } from '../oracles.js';
import { ACCEPTED, type Acceptance, rejected, type Subject, type Target, together } from '../target.js';

/** What the API may answer when it is busy or full; see the table of its errors. */
const DEFINED = [501, 503, 507];

class GatewayApi implements Subject<readonly ApiRequest[]> {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #network: TestNetwork;
  readonly #gateway: FullGateway;
  #workers = '';
  #other = '';

  private constructor(network: TestNetwork, gateway: FullGateway) {
    this.#network = network;
    this.#gateway = gateway;
  }

  static async open(): Promise<GatewayApi> {
    const network = await startNetwork('sidekick-fuzz');
    const gateway = await startFullGateway(network);
    const subject = new GatewayApi(network, gateway);
    for (const n of [1, 2, 3])
      await gateway.api.call('POST', '/http/upstreams/backend/servers', {
        server: `10.9.9.${n}:80`,
        weight: n,
      });
    subject.#workers = await subject.#look('/workers');
    subject.#other = await subject.#look('/http/upstreams/backend/servers');
    return subject;
  }

  readonly judge = async (requests: readonly ApiRequest[]): Promise<Acceptance> => {
    const acceptances: Acceptance[] = [];
    for (const one of requests) acceptances.push(judgeRequest(one, await this.#send(one)));
    const [workers, other] = [
      await this.#look('/workers'),
      await this.#look('/http/upstreams/backend/servers'),
    ];
    if (workers !== this.#workers) throw new Error(`the workers were ${this.#workers} and are ${workers}`);
    if (other !== this.#other) throw new Error(`the other group was ${this.#other} and is ${other}`);
    return together(acceptances);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#network.remove();
  }

  async #look(path: string): Promise<string> {
    const { body } = await this.#gateway.api.get(path);
    // The figures of a worker are not what it is known by.
    return JSON.stringify(path === '/workers' ? body.map(({ pid }: { pid: number }) => pid).sort() : body);
  }

  async #send({ method, target, body }: ApiRequest): Promise<ApiAnswer> {
    const sent = request({
      agent: this.#agent,
      host: '127.0.0.1',
      port: this.#gateway.port('api'),
      method,
      path: target,
      headers: {
        authorization: `Bearer ${API_TOKEN}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    sent.end(body);
    const [response] = await once(sent, 'response');
    return { status: response.statusCode, text: await text(response) };
  }
}

function judgeRequest({ method, target }: ApiRequest, answer: ApiAnswer): Acceptance {
  try {
    // An answer to HEAD is all head.
    if (method === 'HEAD' && answer.status < 500)
      return answer.status < 300 ? ACCEPTED : rejected(`${answer.status}`);
    return judgeAnswer(answer, DEFINED);
  } catch (error) {
    throw new Error(`${method} ${target.slice(0, 200)}`, { cause: error });
  }
}

const requests = apiRequest({ upstreams: ['firmware', 'mqtt'], keyvals: ['firmware'] });

export const gatewayApi: Target<readonly ApiRequest[]> = {
  name: 'gateway-api',
  about: 'requests, to the API of a gateway',
  inputs: fc.array(requests, { minLength: 1, maxLength: 10 }),
  short: 15,
  bound: 60_000,
  open: () => GatewayApi.open(),
};
