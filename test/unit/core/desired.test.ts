import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import {
  anyWanted,
  type DesiredServer,
  desiredServer,
  desiredServers,
  drainRevision,
  type InstanceRecord,
  isWanted,
} from '../../../src/core/desired.js';
import type { Registration } from '../../../src/core/registration.js';
import { DEFAULT_PARAMETERS, type ServerParameters } from '../../../src/core/server-parameters.js';

const [A, B, C] = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'] as [Address, Address, Address];
const CAUSE = { kind: 'registered', revision: 5 } as const;
const INSTANCE = { service: 'firmware', address: A };

function withParameters(parameters: Partial<ServerParameters>): ServerParameters {
  return { ...DEFAULT_PARAMETERS, ...parameters };
}

/** A key of the revision 5 whose value can be read. */
function accepted(fields: Partial<Registration>, maintenance?: number): InstanceRecord {
  const registration = { ...INSTANCE, parameters: DEFAULT_PARAMETERS, drain: false, meta: {}, ...fields };
  return {
    entry: { key: 'key', value: '', revision: 5 },
    decoded: { status: 'accepted', registration, warnings: [] },
    ...(maintenance === undefined ? {} : { maintenance: { revision: maintenance, said: {} } }),
  };
}

/** A key whose value cannot be read, and never could. */
function rejected(maintenance?: number): InstanceRecord {
  return { ...accepted({}, maintenance), decoded: { status: 'rejected', instance: INSTANCE, reason: 'bad' } };
}

describe('desiredServer', () => {
  const parameters = withParameters({ weight: 3 });

  it('serves with the parameters of the registration', () => {
    expect(desiredServer(INSTANCE, accepted({ parameters }))).toEqual({
      address: A,
      intent: 'serve',
      parameters,
      requests: [],
      cause: { kind: 'registered', revision: 5 },
    });
  });

  it('drains where the registration asks for it, with a request of the revision of its key', () => {
    expect(desiredServer(INSTANCE, accepted({ parameters, drain: true }))).toEqual({
      address: A,
      intent: 'drain',
      parameters,
      requests: [{ ...INSTANCE, revision: 5 }],
      cause: { kind: 'drain-requested', revision: 5 },
    });
  });

  it('keeps what has a registration that cannot be read', () => {
    expect(desiredServer(INSTANCE, rejected())).toEqual({
      address: A,
      intent: 'keep',
      parameters: DEFAULT_PARAMETERS,
      requests: [],
      cause: { kind: 'registered', revision: 5 },
    });
  });

  it.each([
    ['serves', accepted({}, 9)],
    ['cannot be read', rejected(9)],
  ])('drains what an operator takes out and %s', (_, record) => {
    expect(desiredServer(INSTANCE, record)).toMatchObject({
      intent: 'drain',
      requests: [{ ...INSTANCE, revision: 9 }],
    });
  });
});

describe('the cause of what an instance wants', () => {
  const said = { by: 'root@lb1' };
  const cause = (record: InstanceRecord) => desiredServer(INSTANCE, record).cause;

  it('is the operator that drains it, where that request is the newest', () => {
    const record = { ...accepted({ drain: true }), maintenance: { revision: 9, said } };
    expect(cause(record)).toEqual({ kind: 'operator-drain', revision: 9, said });
  });

  it('is its registration, where that asks to drain later than an operator', () => {
    const record = { ...accepted({ drain: true }), maintenance: { revision: 3, said } };
    expect(cause(record)).toEqual({ kind: 'drain-requested', revision: 5 });
  });

  it('is the operator that ended a drain, where its key has not been written since', () => {
    expect(cause({ ...accepted({}), undrained: 8 })).toEqual({ kind: 'operator-undrain', revision: 8 });
  });
});

describe('drainRevision', () => {
  it.each([
    ['undefined where nobody asks', accepted({}), undefined],
    ['undefined where the value cannot be read', rejected(), undefined],
    ['that of the registration', accepted({ drain: true }), 5],
    ['that of the operator', accepted({}, 3), 3],
    ['that of the operator where it is newer', accepted({ drain: true }, 9), 9],
    ['that of the registration where it is newer', accepted({ drain: true }, 3), 5],
  ])('is %s', (_, record, revision) => {
    expect(drainRevision(record)).toBe(revision);
  });
});

describe('desiredServers', () => {
  function server(intent: DesiredServer['intent'], fields: Partial<DesiredServer> = {}): DesiredServer {
    return { address: A, intent, parameters: DEFAULT_PARAMETERS, requests: [], cause: CAUSE, ...fields };
  }

  /** What each service wants, by its name. */
  function lookup(services: Readonly<Record<string, readonly DesiredServer[]>>) {
    const maps = Object.entries(services).map(([name, servers]) => {
      return [name, new Map(servers.map((each) => [each.address, each]))] as const;
    });
    const known = new Map(maps);
    return { desired: (service: string) => known.get(service) ?? new Map<Address, DesiredServer>() };
  }

  it('has nothing where no service feeds the upstream', () => {
    const servers = desiredServers(lookup({ a: [server('serve')] }), []);
    expect([...servers.values()]).toEqual([]);
    expect(servers.get(A)).toBeUndefined();
  });

  it('has what one service wants without a copy of it', () => {
    const found = lookup({ a: [server('serve')] });
    expect(desiredServers(found, ['a'])).toBe(found.desired('a'));
  });

  it('has what several services want as it is at the moment', () => {
    const found = lookup({ a: [server('serve')], b: [] });
    const servers = desiredServers(found, ['a', 'b']);
    found.desired('b').set(B, server('serve', { address: B }));
    expect(servers.get(B)).toEqual(server('serve', { address: B }));
  });

  it('lists the address that several services register once, with what they want together', () => {
    const servers = desiredServers(
      lookup({
        a: [server('drain')],
        b: [server('serve'), server('keep', { address: B })],
        c: [server('serve', { address: C }), server('drain')],
      }),
      ['a', 'b', 'c'],
    );
    expect([...servers.values()].map(({ address, intent }) => [address, intent])).toEqual([
      [A, 'serve'],
      [B, 'keep'],
      [C, 'serve'],
    ]);
    expect(servers.get('10.9.9.9:80' as Address)).toBeUndefined();
  });

  it.each([
    ['serve', 'keep', 'serve'],
    ['serve', 'drain', 'serve'],
    ['keep', 'drain', 'keep'],
  ] as const)('makes of %s and %s %s, whichever service says it', (one, other, together) => {
    const found = lookup({ a: [server(one)], b: [server(other)] });
    expect(desiredServers(found, ['a', 'b']).get(A)?.intent).toBe(together);
    expect(desiredServers(found, ['b', 'a']).get(A)?.intent).toBe(together);
  });

  it('takes the parameters of the first service that wants it to serve', () => {
    const weighing = (weight: number) => ({ parameters: withParameters({ weight }) });
    const found = lookup({
      a: [server('drain', weighing(2))],
      b: [server('serve', weighing(3))],
      c: [server('serve', weighing(4))],
    });
    expect(desiredServers(found, ['a', 'b', 'c']).get(A)?.parameters.weight).toBe(3);
    expect(desiredServers(found, ['c', 'b', 'a']).get(A)?.parameters.weight).toBe(4);
  });

  it('keeps the requests of all services', () => {
    const request = (service: string, revision: number) => ({
      requests: [{ service, address: A, revision }],
    });
    const found = lookup({ a: [server('drain', request('a', 2))], b: [server('drain', request('b', 4))] });
    expect(desiredServers(found, ['a', 'b']).get(A)?.requests).toEqual([
      { service: 'a', address: A, revision: 2 },
      { service: 'b', address: A, revision: 4 },
    ]);
  });

  describe('of which one is to get traffic', () => {
    const down = server('serve', { address: B, parameters: withParameters({ down: true }) });

    it('is one that serves and is not down', () => {
      expect([server('serve'), down, server('keep'), server('drain'), undefined].map(isWanted)).toEqual([
        true,
        false,
        false,
        false,
        false,
      ]);
    });

    it('is found among others, and not where there is none', () => {
      const found = lookup({ a: [down, server('serve')], b: [down, server('keep')] });
      expect(anyWanted(desiredServers(found, ['a']))).toBe(true);
      expect(anyWanted(desiredServers(found, ['b']))).toBe(false);
    });
  });
});
