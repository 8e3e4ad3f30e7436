/** The API of the gateway in memory, as a client uses it. */
import * as requestTarget from '../../../../src/gateway/api/request-target.js';
import * as stubStatus from '../../../../src/gateway/api/stub-status.js';
import { NEWEST } from '../../../../src/gateway/api/versions.js';
import { FakeNginx, respond } from './memory.js';

const NGINX = {
  version: '1.26.3',
  address: '10.0.0.9',
  ppid: 1,
  generation: () => ({ number: 2, loaded: 1_700_000_000_000 }),
  servingWorkers: () => [12, 11],
  hasStream: () => true,
  stream: {
    slabs: { stream_tables: { pages: { used: 1, free: 2 } } },
    ssl: { handshakes: 3, session_reuses: 1 },
  },
  stubStatus: stubStatus.parseStubStatus(
    'Active connections: 7 \nserver accepts handled requests\n 20 19 90 \nReading: 0 Writing: 2 Waiting: 5 \n',
  ),
};

export interface ApiResponse {
  readonly status: number;
  readonly body: unknown;
}

export class Api {
  nginx = new FakeNginx({
    upstreams: { firmware: {}, backend: {} },
    keyvals: { plain: {}, timed: { timeout: '1m' } },
  });
  /** Whether the client may change anything. */
  write = true;

  /** @param body Text as it is, anything else as JSON. */
  call(method: string, target: string, body: unknown = ''): ApiResponse {
    const answer = respond(this.nginx.worker(), NGINX, {
      method,
      // As NGINX hands it on.
      path: requestTarget.pathOf(target),
      version: NEWEST,
      args: requestTarget.queryOf(target),
      body: typeof body === 'string' ? body : JSON.stringify(body),
      write: this.write,
      requestId: '0123456789abcdef0123456789abcdef',
    });
    return { status: answer.status, body: answer.text === '' ? undefined : JSON.parse(answer.text) };
  }
}

/** The answer to a request that is refused. */
export function error(status: number, code: string, text: string): ApiResponse {
  return {
    status,
    body: {
      error: { status, text, code },
      request_id: '0123456789abcdef0123456789abcdef',
      href: 'https://nginx.org/en/docs/http/ngx_http_api_module.html',
    },
  };
}
