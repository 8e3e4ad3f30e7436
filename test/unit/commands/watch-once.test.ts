import { expect, it } from 'vitest';
import { reportText } from '../../../src/commands/watch-once.js';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';

it('a dry run prints one line for each action', () => {
  const address = '10.0.0.11:8080' as Address;
  const cause = { kind: 'registered', revision: 1 } as const;
  const upstream = {
    kind: 'http',
    name: 'firmware',
    errors: ['remove x: timed out'],
    inSync: false,
  } as const;
  const report = {
    inSync: false,
    nginx: [
      {
        name: 'lb',
        problems: [{ service: 'mqtt', code: 'no-upstream', message: 'NGINX has no upstream mqtt' } as const],
        upstreams: [
          {
            ...upstream,
            actions: [
              { type: 'add', address, parameters: { ...DEFAULT_PARAMETERS, weight: 3, backup: true }, cause },
              { type: 'update', address, id: 1, changes: { max_conns: 5 }, cause },
              { type: 'drain', address, id: 2, cause },
              { type: 'remove', address, id: 3, reason: 'idle', cause },
            ] as const,
          },
        ],
      },
      { name: 'lb2', error: 'connect ECONNREFUSED', problems: [], upstreams: [] },
    ],
  };
  expect(reportText(report, true)).toBe(
    `lb: ! NGINX has no upstream mqtt
lb http/firmware: add 10.0.0.11:8080 weight=3 backup=true
lb http/firmware: update 10.0.0.11:8080 max_conns=5
lb http/firmware: drain 10.0.0.11:8080
lb http/firmware: remove 10.0.0.11:8080 (idle)
lb http/firmware: ! remove x: timed out
lb2: ! connect ECONNREFUSED
4 to do; NGINX is not in sync with etcd
`,
  );
});
