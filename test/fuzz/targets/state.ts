import * as requestTarget from '../../../src/gateway/api/request-target.js';
import { check, SHAPES } from '../../contract/gateway/schema.js';
import { fc } from '../../support/property.js';
import { FakeNginx, respond } from '../../unit/gateway/support/memory.js';
import { groupChanges, groupState, zoneState } from '../inputs/state.js';
import { judgeAnswer } from '../oracles.js';
import { type Acceptance, rejected, type Target, together } from '../target.js';

interface States {
  readonly kind: 'http' | 'stream';
  readonly group: string;
  /** The two files of changes of the group. */
  readonly changes: readonly [string, string];
  readonly zone: string;
}

const CONFIG = { upstreams: { firmware: {}, other: {} }, keyvals: { plain: {}, other: {} } };

class Restarted {
  nginx: FakeNginx;
  readonly #kind: States['kind'];

  constructor({ kind, group, changes, zone }: States) {
    this.#kind = kind;
    this.nginx = new FakeNginx(CONFIG, kind);
    this.nginx.files.set('firmware', group).set('keyval.plain', zone);
    this.nginx.files.set('firmware.changes0', changes[0]).set('firmware.changes1', changes[1]);
    this.nginx.files
      .set('other', 'server 10.9.9.9:1;\n')
      .set('keyval.other', '{"a":{"value":"b","expires":0}}');
  }

  call(method: string, path: string, body = ''): { status: number; body: unknown } {
    const target = `/api/9/${this.#kind}/${path}`;
    const { status, text } = respond(this.nginx.worker(), undefined, {
      method,
      path: requestTarget.pathOf(target),
      version: 9,
      args: requestTarget.queryOf(target),
      body,
      write: true,
      requestId: '0123456789abcdef0123456789abcdef',
    });
    try {
      judgeAnswer({ status, text });
    } catch (error) {
      throw new Error(this.nginx.warnings.join('\n'), { cause: error });
    }
    return { status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** A list is the same after one more restart, but for the ids of its servers. */
  keeps(path: string, shape: Parameters<typeof check>[1]): void {
    const before = shown(this.read(path, shape));
    const warnings = this.nginx.warnings;
    this.nginx.settle();
    this.nginx = this.nginx.restarted();
    const after = shown(this.read(path, shape));
    this.nginx.warnings.push(...warnings);
    if (after !== before) throw new Error(`${path} was ${before} and is, after a restart, ${after}`);
  }

  /** The list at a path, which must have the shape that the API says. */
  read(path: string, shape: Parameters<typeof check>[1]): object {
    const { status, body } = this.call('GET', path);
    const wrong = check(body, shape);
    if (status !== 200 || wrong.length > 0) throw new Error(`GET ${path}: ${status} ${wrong.join('; ')}`);
    return body as object;
  }
}

function shown(list: object): string {
  return JSON.stringify(list, (name, value: unknown) => (name === 'id' ? undefined : value));
}

function judge(states: States): Acceptance {
  const started = new Restarted(states);
  const servers = { array: SHAPES[states.kind].server };
  const found = Object.keys(started.read('upstreams/firmware/servers', servers)).length;
  const pairs = Object.keys(started.read('keyvals/plain', SHAPES.pairs)).length;
  const added = started.call('POST', 'upstreams/firmware/servers', '{"server":"10.8.8.8:1"}');
  const put = started.call('POST', 'keyvals/plain', '{"a key of its own":"1"}');
  if (added.status !== 201 || put.status !== 201)
    throw new Error(`no change is possible: ${JSON.stringify([added, put])}`);
  const others = [
    started.read('upstreams/other/servers', servers),
    started.read('keyvals/other', SHAPES.pairs),
  ];
  if (JSON.stringify(others[1]) !== '{"a":"b"}' || Object.keys(others[0] ?? {}).length !== 1)
    throw new Error(`the others have ${JSON.stringify(others)}`);
  const ids = Object.values(started.read('upstreams/firmware/servers', servers)).map(
    ({ id }: { id: number }) => id,
  );
  started.call('DELETE', `upstreams/firmware/servers/${ids[0]}`);
  if (ids.length > 2) started.call('PATCH', `upstreams/firmware/servers/${ids[1]}`, '{"weight":77}');
  started.keeps('upstreams/firmware/servers', servers);
  started.keeps('keyvals/plain', SHAPES.pairs);
  return together([{ accepted: found + pairs, rejected: [] }, ...started.nginx.warnings.map(rejected)]);
}

export const state: Target<States> = {
  name: 'state',
  about: 'state files of groups and zones, to the store',
  inputs: fc.record({
    kind: fc.constantFrom('http', 'stream'),
    group: groupState,
    changes: fc.tuple(groupChanges, groupChanges),
    zone: zoneState,
  }),
  short: 120,
  async open() {
    return { judge, async [Symbol.asyncDispose]() {} };
  },
};
