import { describe, expect, it } from 'vitest';
import { EtcdError } from '../../../../src/core/errors.js';
import { EtcdConnection } from '../../../../src/daemon/watcher/etcd-connection.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

function connection() {
  const log = recordingLog();
  const meter = recordingMeter();
  return { log, meter, etcd: new EtcdConnection({ log, meter, wallClock: () => 5_000 }) };
}

const gone = new EtcdError('UNREACHABLE', 'no connection');
const denied = new EtcdError('DENIED', 'permission denied');

describe('the connection to etcd', () => {
  it('is unavailable, without a revision, until etcd has been read', () => {
    const { etcd } = connection();
    expect(etcd.isConnected).toBe(false);
    expect(etcd.condition).toEqual({ state: 'unavailable', error: 'not yet read' });
    expect(etcd.revision).toBeUndefined();
  });

  it('logs the first snapshot alone, and knows the revision of the last', () => {
    const { etcd, log } = connection();
    etcd.snapshotTaken(7);
    etcd.snapshotTaken(8);
    expect(etcd.isConnected).toBe(true);
    expect(etcd.revision).toBe(8);
    expect(log.events('etcd-connected').map(({ fields }) => fields.revision)).toEqual([7]);
  });

  it('warns that etcd is unavailable, keeps the revision, and logs that it is back', () => {
    const { etcd, log } = connection();
    etcd.snapshotTaken(7);
    etcd.unavailable(gone);
    expect(etcd.condition).toMatchObject({ state: 'unavailable', error: 'no connection' });
    expect(etcd.revision).toBe(7);
    expect(log.events('etcd-unavailable')).toMatchObject([{ level: 'warn' }]);
    etcd.snapshotTaken(9);
    expect(log.events('etcd-connected')).toHaveLength(2);
  });

  it('logs a refusal as an error, with what to do about it', () => {
    const { etcd, log } = connection();
    etcd.unavailable(denied);
    expect(etcd.condition.state).toBe('refused');
    expect(log.events('etcd-unavailable')).toEqual([]);
    const [line] = log.events('etcd-refused');
    expect(line?.level).toBe('error');
    expect(line?.fields.reason).toMatch(/permission denied; grant /);
  });

  it('records when etcd last answered, in seconds', () => {
    const { etcd, meter } = connection();
    etcd.answered();
    expect(meter.gauges.get('sidekick_etcd_last_read_timestamp_seconds')).toBe(5);
  });
});
