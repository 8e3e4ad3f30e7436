import { expect, it } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import { until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { HTTP } from '../../support/watching.js';

const GOOD = '127.0.0.1:9001';
const SPOILT = '127.0.0.1:9002';
const SIGNAL = new AbortController().signal;

const DEEP = `${'['.repeat(8_180)}${']'.repeat(8_180)}`;

const REJECTED: readonly (readonly [key: string, value: string, reason: RegExp])[] = [
  ['firmware/127.0.0.1', '{}', /must be host:port/],
  ['firmware/127.0.0.1:0', '{}', /port must be 1 to 65535/],
  ['firmware/127.0.0.1:70000', '{}', /port must be 1 to 65535/],
  ['firmware/127.0.0.1:9003', '{"weight":-1}', /weight must be an integer from 1 to 65535, got "-1"/],
  [`firmware/${SPOILT}`, '{"weight":"heavy"}', /weight must be/],
  // Deep enough for code that walks it to run out of stack.
  ['firmware/127.0.0.1:9011', `{"weight":${DEEP}}`, /nested at most 8 deep/],
  ['firmware/127.0.0.1:9012', `{"drain":${DEEP}}`, /nested at most 8 deep/],
  ['firmware/127.0.0.1:9013', `{"meta":${DEEP}}`, /nested at most 8 deep/],
  ['firmware/127.0.0.1:9014', '['.repeat(16_000), /nested at most 8 deep/],
  // Meant as JSON, and none.
  ['firmware/127.0.0.1:9015', '{"weight": 5,}', /looks like JSON/],
  ['firmware/127.0.0.1:9016', '\uFEFF{"weight":5}', /looks like JSON/],
  ['firmware/127.0.0.1:9017', "{'weight':5}", /looks like JSON/],
  ...[1, 2, 3, 4, 5, 6].map(
    (n) => [`firmware/127.0.0.1:910${n}`, 'x'.repeat(1024 * 1024), /at most 16384/] as const,
  ),
];

const WARNED: readonly (readonly [key: string, value: string, reason: RegExp])[] = [
  ['firmware/127.0.0.1:9004', '[1,2,3]', /not a JSON object/],
  ['firmware/127.0.0.1:9005', '{"colour":"green"}', /unknown fields are ignored: "colour"/],
];

it('a watcher logs nonsense in etcd once, with its reason, continues, and touches no other server', async () => {
  await using cluster = await RealCluster.start();
  await using watcher = RealWatcher.of(cluster);
  const etcd = connectEtcd({ endpoints: [cluster.etcd.url] });
  const put = (key: string, value: string) => etcd.store.put(`/services/${key}`, value, {}, SIGNAL);
  try {
    await put(`firmware/${GOOD}`, '{"weight":2}');
    await put(`firmware/${SPOILT}`, '{"weight":7}');
    await cluster.serves(HTTP, [GOOD, SPOILT]);

    for (const [key, value] of [...REJECTED, ...WARNED]) await put(key, value);

    await until('a word on every key', () => {
      const rejected = watcher.log.events('registration-rejected');
      return (
        rejected.length === REJECTED.length && watcher.log.events('registration-field-ignored').length === 2
      );
    });
    const said = [
      ...watcher.log.events('registration-rejected'),
      ...watcher.log.events('registration-field-ignored'),
    ];
    for (const [key, , reason] of [...REJECTED, ...WARNED]) {
      expect(said.find(({ fields }) => fields.key === `/services/${key}`)?.fields.reason).toMatch(reason);
    }
    await cluster.serves(HTTP, [GOOD, SPOILT, '127.0.0.1:9004', '127.0.0.1:9005']);
    const weights = (await cluster.servers(HTTP)).map(({ parameters }) => parameters.weight);
    expect(weights.sort((a, b) => a - b)).toEqual([1, 1, 2, 7]);
    expect(watcher.watcher.status().rejected).toHaveLength(REJECTED.length);
  } finally {
    etcd.close();
  }
});

it('a watcher that starts amid nonsense reads what is valid', async () => {
  await using cluster = await RealCluster.start();
  const etcd = connectEtcd({ endpoints: [cluster.etcd.url] });
  try {
    for (const [key, value] of [...REJECTED, ...WARNED])
      await etcd.store.put(`/services/${key}`, value, {}, SIGNAL);
    await etcd.store.put(`/services/firmware/${GOOD}`, '', {}, SIGNAL);
  } finally {
    etcd.close();
  }
  await using watcher = RealWatcher.of(cluster);
  await cluster.serves(HTTP, [GOOD, '127.0.0.1:9004', '127.0.0.1:9005']);
  expect(watcher.log.events('registration-rejected')).toHaveLength(REJECTED.length);
});
