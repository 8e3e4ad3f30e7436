import { describe, expect, it } from 'vitest';
import * as flights from '../../../../src/firmware/shared/flights.js';
import * as memories from '../../../../src/firmware/shared/memory.js';
import { CANDIDATE, downloaded, Edge, NEW, OLD, offer, offered } from '../support/edge.js';

const SILENT = 'id=one';

describe('what is counted of a device', () => {
  it('is offered once, however often it asks', () => {
    const edge = offered();
    edge.ask(OLD);
    edge.pass(50);
    edge.ask(OLD, '/ota/lamp/version');
    expect(edge.counted()).toEqual({ offered: 1 });
    expect(edge.report().flights).toBe(1);
  });

  it('is nothing where the candidate is not counted, not for this device, or where it states no id', () => {
    const edge = new Edge().offer({ count: false });
    edge.ask(OLD);
    edge.offer({}, { buckets: 0 }).ask(OLD);
    edge.offer().ask('version=1.0.0');
    edge.ask(NEW);
    edge.ask('id=one', '/ota/image', { 'x-ESP32-free-space': '10' });
    edge.ask('id=one&version=9.0.0');
    expect(edge.report()).toMatchObject({ counts: {}, flights: 0 });
  });

  it('is booted when it asks with the new version after its download, and then it is in flight no longer', () => {
    const edge = downloaded();
    edge.ask(NEW);
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, booted: 1 });
    expect(edge.report().flights).toBe(0);
  });

  it('is booted when its image is the new one by its hash', () => {
    const edge = new Edge().offer();
    const headers = { 'x-ESP32-STA-MAC': '24:6f:28:aa:bb:cc', 'x-ESP32-free-space': '2000' };
    const told = edge.ask('', '/ota', { ...headers, 'x-ESP32-sketch-md5': '0'.repeat(32) });
    expect(told).toMatchObject({ file: `/blobs/${CANDIDATE.sha256}.bin`, device: 'lamp/24:6f:28:aa:bb:cc' });
    flights.download(edge.memory, told.device, CANDIDATE.sha256);
    edge.ask('', '/ota', { ...headers, 'x-ESP32-sketch-md5': CANDIDATE.md5 });
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, booted: 1 });
  });

  it('is downloaded and booted where the download was not seen', () => {
    const edge = offered();
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, booted: 1 });
  });

  it('is failed once when it asks with another version, and recovered when it boots after all', () => {
    const edge = downloaded();
    edge.ask(OLD);
    edge.ask(OLD);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, failed: 1 });
    edge.download('one');
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, failed: 1, recovered: 1, booted: 1 });
  });

  it('is offered the stable release after two downloads that failed, but may still recover', () => {
    const edge = downloaded();
    expect(edge.ask(OLD).body).toContain('"version":"1.1.0"');
    edge.download('one');
    expect(edge.ask(OLD).body).toContain('"version":"1.0.0"');
    expect(edge.ask('id=two&version=1.0.0').body).toContain('"version":"1.1.0"');
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ offered: 2, downloaded: 1, failed: 1, recovered: 1, booted: 1 });
  });

  it('is not offered again what failed twice, though it is to be rescued', () => {
    const edge = new Edge().offer({ rescue: ['1.0.0'] }, { buckets: 0 });
    for (let i = 0; i < 2; i++) {
      expect(edge.ask(OLD).body).toContain('"version":"1.1.0"');
      edge.download('one');
    }
    expect(edge.ask(OLD).body).toContain('"version":"1.0.0"');
  });

  it('is unknown once when it does not say what it runs', () => {
    const edge = new Edge().offer();
    edge.ask(SILENT);
    edge.download('one');
    edge.ask(SILENT);
    edge.ask(SILENT);
    edge.pass(10_000);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, unknown: 1 });
  });

  it('is lost after three of the intervals of its type, and found when it returns', () => {
    const edge = downloaded();
    edge.pass(299);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1 });
    edge.pass(2);
    edge.pass(1000);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, lost: 1 });
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, lost: 1, found: 1, booted: 1 });
  });

  it('is lost and failed by turns, and never both', () => {
    const edge = downloaded();
    edge.pass(301);
    edge.ask(OLD);
    edge.pass(10_000);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, lost: 1, found: 1, failed: 1 });
  });

  it('is given the time that it takes between its questions where it asks more rarely than its type', () => {
    const edge = offered();
    edge.pass(1000);
    edge.ask(OLD);
    edge.pass(5);
    edge.ask(OLD);
    edge.download('one');
    edge.pass(2999);
    expect(edge.counted().lost).toBeUndefined();
    edge.pass(2);
    expect(edge.counted().lost).toBe(1);
  });

  it('is never lost where nobody knows how often it asks, since a second try tells nothing of that', () => {
    const edge = new Edge().offer({ interval: 0 });
    edge.ask(OLD);
    edge.pass(5);
    edge.ask(OLD);
    edge.download('one');
    edge.pass(86_400);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1 });
  });

  it('is forgotten a week after anything was seen of it', () => {
    const edge = offered();
    edge.pass(604_801);
    expect(edge.report().flights).toBe(0);
    edge.pass(1);
    expect([...edge.flights.entries.keys()].filter((key) => key.includes('one'))).toEqual([]);
  });

  it('belongs to the newest candidate that it was told of', () => {
    const edge = downloaded();
    edge.offer({}, { candidate: offer('1.2.0', 'c') }).ask('id=one&version=1.0.0');
    edge.download('one');
    edge.download('one', 'c'.repeat(64));
    edge.ask('id=one&version=1.2.0');
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1 });
    expect(edge.report()).toMatchObject({
      counts: { lamp: { '1.2.0': { offered: 1, downloaded: 1, booted: 1, failed: 0 } } },
      flights: 0,
    });
  });

  it('is no download where the file is another one', () => {
    const edge = offered();
    edge.download('one', 'a'.repeat(64));
    edge.download('two');
    expect(edge.counted()).toEqual({ offered: 1 });
  });
});

describe('a manifest', () => {
  it('names the file with the device, in its place and nowhere else', () => {
    const told = new Edge().offer().ask('id=24-6F-28-AA-BB-CC&version=1.0.0');
    expect(JSON.parse(told.body)).toMatchObject({
      url: `https://ota/blobs/${CANDIDATE.sha256}.bin?device=lamp/24:6f:28:aa:bb:cc`,
      sha256: CANDIDATE.sha256,
    });
    const esphome = new Edge().offer().ask('id=one&version=1.0.0', '/ota', { 'User-Agent': 'ESPHome/2026' });
    expect(esphome.body).toContain(`"path":"/blobs/${CANDIDATE.sha256}.bin?device=lamp/one"`);
  });

  it('names no device where it is not counted', () => {
    const edge = new Edge().offer({ count: false });
    expect(edge.ask(OLD).body).toBe(CANDIDATE.esp32fota);
    expect(edge.offer({}, { buckets: 0 }).ask(OLD).body).not.toContain('device=');
    expect(edge.offer().ask('version=1.0.0').body).toBe(CANDIDATE.esp32fota);
  });
});

describe('the bounds of an NGINX', () => {
  it('halves the sample at three quarters of what it may remember, and follows all devices again once there are none', () => {
    const edge = new Edge().offer();
    edge.counts.set(memories.LIMIT, 100);
    for (let i = 0; i < 1000; i++) {
      edge.ask(`id=device-${i}&version=1.0.0`);
      if (i % 10 === 0) edge.pass(1);
    }
    const { flights: count, sample } = edge.report();
    expect(count).toBeLessThanOrEqual(100);
    expect(sample).toBeGreaterThanOrEqual(8);
    expect(Math.log2(sample) % 1).toBe(0);
    for (const key of edge.flights.entries.keys())
      if (key.startsWith('lamp/'))
        expect(flights.isSampled(edge.memory, flights.idOf(key), edge.store.digest)).toBe(true);
    edge.pass(700_000);
    edge.pass(1);
    expect(edge.report()).toMatchObject({ sample: 1, flights: 0 });
  });

  it('answers as before whom it does not follow', () => {
    const edge = new Edge().offer();
    edge.counts.set(memories.LIMIT, 0);
    expect(edge.ask(OLD).body).toBe(CANDIDATE.esp32fota);
    expect(edge.report()).toMatchObject({ flights: 0, counts: {} });
  });

  it('answers as before where its memory is full', () => {
    const edge = new Edge().offer();
    edge.flights.limit = 10;
    expect(edge.ask(OLD).body).toContain('"version":"1.1.0"');
    edge.flights.limit = Number.POSITIVE_INFINITY;
    edge.ask(OLD);
    expect(edge.counted().offered).toBe(1);
  });

  it('looks at a bounded number of devices at a time, and at each of them in turn', () => {
    const edge = new Edge().offer();
    for (let i = 0; i < 50; i++) {
      edge.ask(`id=d${i}&version=1.0.0`);
      edge.download(`d${i}`);
    }
    edge.pass(301, 0);
    for (let pass = 1; pass <= 5; pass++) {
      edge.pass(1, 10);
      expect(edge.counted().lost).toBe(10 * pass);
    }
    for (let i = 0; i < 200; i++) edge.pass(1, 10);
    expect(edge.counted().lost).toBe(50);
    expect([...edge.flights.entries.keys()].filter((key) => key.startsWith(' queue'))).toHaveLength(50);
  });
});

describe('one of several workers', () => {
  it('counts an outcome once though another one sees the same device at the same moment', () => {
    const edge = downloaded();
    let nested = 0;
    edge.flights.before = (operation, key) => {
      if (operation !== 'get' || key !== 'lamp/one' || nested > 0) return;
      nested++;
      edge.ask(NEW);
    };
    edge.ask(NEW);
    expect(nested).toBe(1);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, booted: 1 });
    expect(edge.report().flights).toBe(0);
  });

  it('is not held up for ever by one that died in the middle of a change', () => {
    const edge = downloaded();
    edge.flights.set('lamp/one lock', '0');
    edge.ask(NEW);
    expect(edge.counted().booted).toBeUndefined();
    edge.pass(3);
    edge.ask(NEW);
    expect(edge.counted().booted).toBe(1);
  });
});
