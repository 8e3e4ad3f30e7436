import { describe, expect, it } from 'vitest';
import * as admission from '../../../../src/firmware/shared/admission.js';
import { regionSlotsKey, SLOTS_KEY } from '../../../../src/firmware/shared/catalogue.js';
import { CANDIDATE, Edge } from '../support/edge.js';

const WORKER = 100;
const alive = (): boolean => true;

/** An NGINX that may carry so many downloads, and carries some. */
function busy(slots: number, downloads: number): Edge {
  const edge = new Edge().offer();
  edge.zone.set(SLOTS_KEY, String(slots));
  begin(edge, downloads);
  return edge;
}

/** So many downloads begin, which the servers of a region carry, or all. */
function begin(edge: Edge, downloads: number, carrier = '', worker = WORKER): readonly string[] {
  return Array.from({ length: downloads }, () => admission.begin(edge.memory, worker, carrier));
}

describe('an NGINX at its limit of downloads', () => {
  it('tells one more device that there is nothing new, in its own form, and counts no offer', () => {
    const edge = busy(2, 2);
    const esphome = { 'User-Agent': 'ESPHome/2026' };
    expect(edge.ask('id=one&version=1.0.0')).toMatchObject({ status: 200, body: '[]' });
    expect(edge.ask('id=one&version=1.0.0', '/ota/image')).toMatchObject({ status: 304, file: '' });
    expect(edge.ask('id=one&version=1.0.0', '/ota', esphome).body).toContain('"version":"1.0.0"');
    expect(edge.ask('id=one', '/ota', esphome).status).toBe(404);
    expect(edge.report()).toMatchObject({ counts: {}, downloads: 2 });
  });

  it('answers those that have what they may have as before', () => {
    expect(busy(0, 0).ask('id=one&version=1.1.0').body).toBe(CANDIDATE.esp32fota);
  });

  it('refuses no critical release, and no download that goes on', () => {
    const range = { Range: 'bytes=4096-' };
    expect(busy(0, 0).offer({ critical: true }).ask('id=one&version=1.0.0').body).toContain('1.1.0');
    expect(busy(0, 0).ask('id=one&version=1.0.0', '/ota/image', range).file).not.toBe('');
    expect(busy(0, 0).ask('id=one&version=1.0.0', '/ota/image', { Range: 'bytes=0-' }).file).toBe('');
  });

  it('has room again once a download has ended', () => {
    const edge = busy(1, 0);
    const [begun = ''] = begin(edge, 1);
    expect(edge.ask('id=one&version=1.0.0').body).toBe('[]');
    admission.end(edge.memory, begun);
    expect(edge.ask('id=one&version=1.0.0').body).toContain('1.1.0');
  });

  it('keeps room for those that were given a manifest and have not begun, for a few seconds', () => {
    const edge = busy(2, 0);
    for (const id of ['one', 'two']) expect(edge.ask(`id=${id}&version=1.0.0`).body).toContain('1.1.0');
    expect(edge.ask('id=three&version=1.0.0').body).toBe('[]');
    begin(edge, 1);
    expect(edge.ask('id=three&version=1.0.0').body).toBe('[]');
    admission.repair(edge.memory, alive);
    expect(edge.ask('id=three&version=1.0.0').body).toContain('1.1.0');
  });

  it('has no limit where nobody has said one', () => {
    const edge = busy(0, 50);
    edge.zone.delete(SLOTS_KEY);
    expect(edge.ask('id=one&version=1.0.0').body).toContain('1.1.0');
  });
});

/** Of 1,000 slots, those of the servers of region eu are 100. */
function regional(): Edge {
  const edge = busy(1_000, 0);
  edge.zone.set(regionSlotsKey('eu'), '100');
  return edge;
}

/** Whether a device of a region is offered something. */
function isAdmitted(edge: Edge, region: string): boolean {
  return edge.ask('id=one&version=1.0.0', '/ota/image', {}, region).file !== '';
}

describe('a region with servers', () => {
  it('has as many downloads as these have slots, and those of other devices go on', () => {
    const edge = regional();
    begin(edge, 99, 'eu');
    expect(isAdmitted(edge, 'eu')).toBe(true);
    begin(edge, 1, 'eu');
    expect(['eu', 'us', ''].map((region) => isAdmitted(edge, region))).toEqual([false, true, true]);
  });

  it('has fewer while its servers carry their share of those that come to all servers', () => {
    const edge = regional();
    begin(edge, 500);
    begin(edge, 49, 'eu');
    expect(isAdmitted(edge, 'eu')).toBe(true);
    begin(edge, 1, 'eu');
    expect(isAdmitted(edge, 'eu')).toBe(false);
  });

  it('has as many whatever another region fetches from its own', () => {
    const edge = regional();
    edge.zone.set(regionSlotsKey('us'), '900');
    begin(edge, 900, 'us');
    expect(['eu', 'us'].map((region) => isAdmitted(edge, region))).toEqual([true, false]);
  });

  it('has none while all servers together carry as many as they can', () => {
    const edge = regional();
    begin(edge, 1_000);
    expect(isAdmitted(edge, 'eu')).toBe(false);
  });

  it('keeps room for its devices that were given a manifest', () => {
    const edge = regional();
    edge.zone.set(regionSlotsKey('eu'), '1');
    const ask = (region: string) => edge.ask('id=one&version=1.0.0', '/ota', {}, region).body;
    expect(ask('eu')).toContain('1.1.0');
    expect(ask('eu')).toBe('[]');
    expect(ask('')).toContain('1.1.0');
    begin(edge, 1, 'eu');
    for (let i = 0; i < 2; i++) admission.repair(edge.memory, () => false);
    expect(ask('eu')).toContain('1.1.0');
  });

  it('is no other than those whose slots are named', () => {
    const edge = regional();
    expect(['eu', 'us', '', 'EU'].map((region) => admission.carrierOf(edge.store, region))).toEqual([
      'eu',
      '',
      '',
      '',
    ]);
  });
});

describe('the number of downloads', () => {
  it('is that of each region as well when a worker crashes', () => {
    const edge = regional();
    begin(edge, 100, 'eu');
    begin(edge, 7, '', 200);
    for (let i = 0; i < 2; i++) admission.repair(edge.memory, (pid) => pid !== WORKER);
    expect(isAdmitted(edge, 'eu')).toBe(true);
    expect(edge.report().downloads).toBe(7);
  });

  it('counts those of living workers only', () => {
    const edge = busy(9, 3);
    const [begun = ''] = begin(edge, 1, '', 200);
    for (let i = 0; i < 2; i++) admission.repair(edge.memory, (pid) => pid !== WORKER);
    expect(edge.report().downloads).toBe(1);
    admission.end(edge.memory, begun);
    for (let i = 0; i < 2; i++) admission.repair(edge.memory, alive);
    expect(edge.report().downloads).toBe(0);
  });

  it('is not corrected for a difference that is gone at the next look', () => {
    const edge = busy(9, 3);
    edge.counts.incr(' downloads', 1);
    admission.repair(edge.memory, alive);
    edge.counts.incr(' downloads', -1);
    admission.repair(edge.memory, alive);
    expect(edge.report().downloads).toBe(3);
  });
});

describe('the rate of a type', () => {
  it('belongs to every file that it is answered with', () => {
    const edge = new Edge().offer({ rate: 200_000 });
    expect(edge.ask('version=1.0.0', '/ota/image')).toMatchObject({ rate: 200_000, device: '' });
    expect(edge.ask('id=one', '/ota/image')).toMatchObject({ rate: 200_000, device: 'lamp/one' });
    expect(new Edge().offer().ask('id=one', '/ota/image').rate).toBe(0);
  });
});
