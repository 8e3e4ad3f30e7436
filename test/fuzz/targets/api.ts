import * as requestTarget from '../../../src/gateway/api/request-target.js';
import { fc } from '../../support/property.js';
import { FakeNginx, respond } from '../../unit/gateway/support/memory.js';
import { type ApiRequest, apiRequest } from '../inputs/api.js';
import { type ApiAnswer, judgeAnswer } from '../oracles.js';
import { type Acceptance, type Target, together } from '../target.js';

/** The group and the zone that no request is about. */
const OTHER = 'backend';

const CONFIG = {
  upstreams: { firmware: {}, constructor: {}, [OTHER]: {} },
  keyvals: { plain: {}, timed: { timeout: '1m' }, [OTHER]: {} },
};

const NGINX = {
  version: '1.26.3',
  address: '10.0.0.9',
  ppid: 1,
  generation: () => ({ number: 2, loaded: 1_700_000_000_000 }),
  servingWorkers: () => [11, 12],
  hasStream: () => false,
  stubStatus: { accepted: 1, handled: 1, requests: 1, active: 1, busy: 1, waiting: 0 },
};

type Halves = { readonly http: FakeNginx; readonly stream: FakeNginx };

function call({ http, stream }: Halves, { method, target, body }: ApiRequest): ApiAnswer {
  const nginx = /^\/api\/[0-9]+\/stream(\/|$)/.test(requestTarget.pathOf(target)) ? stream : http;
  return respond(nginx.worker(), NGINX, {
    method,
    path: requestTarget.pathOf(target),
    version: 9,
    args: requestTarget.queryOf(target),
    body,
    write: true,
    requestId: '0123456789abcdef0123456789abcdef',
  });
}

/** What shared memory and disk have of the group and the zone that no request is about. */
function other({ http, stream }: Halves): string {
  const own = [http, stream].map(({ tables, keyvals, files }) =>
    [...tables.entries, ...keyvals.entries, ...files].filter(([key]) => key.includes(OTHER)),
  );
  return JSON.stringify(own);
}

function judge(requests: readonly ApiRequest[]): Acceptance {
  const halves = { http: new FakeNginx(CONFIG), stream: new FakeNginx(CONFIG, 'stream') };
  for (const kind of ['http', 'stream'] as const) {
    const path = `/api/9/${kind}`;
    call(halves, {
      method: 'POST',
      target: `${path}/upstreams/${OTHER}/servers`,
      body: '{"server":"10.9.9.9:1"}',
    });
    call(halves, { method: 'POST', target: `${path}/keyvals/${OTHER}`, body: '{"a":"b"}' });
  }
  const before = other(halves);
  const acceptance = together(
    requests.map((request) => {
      const answer = call(halves, request);
      try {
        return judgeAnswer(answer);
      } catch (error) {
        throw new Error([...halves.http.warnings, ...halves.stream.warnings].join('\n'), { cause: error });
      }
    }),
  );
  if (other(halves) !== before)
    throw new Error(`what nothing was said about was ${before} and is ${other(halves)}`);
  return acceptance;
}

export const api: Target<readonly ApiRequest[]> = {
  name: 'api',
  about: 'requests, to the handler of the API',
  inputs: fc.array(apiRequest({ upstreams: ['firmware', 'constructor'], keyvals: ['plain', 'timed'] }), {
    minLength: 1,
    maxLength: 12,
  }),
  short: 60,
  async open() {
    return { judge, async [Symbol.asyncDispose]() {} };
  },
};
