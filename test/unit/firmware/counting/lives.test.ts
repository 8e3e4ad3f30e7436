/** Any number of devices, and an NGINX that is restarted at any time: what is counted then. */
import { describe, expect, it } from 'vitest';
import { fc } from '../../../support/property.js';
import { Edge } from '../support/edge.js';

/** What a device did, by whoever sees all of it. */
class Device {
  offered = false;
  downloaded = false;
  booted = false;
  failed = false;
  #pending = false;

  constructor(readonly id: string) {}

  readonly acts: Readonly<Record<string, (edge: Edge) => void>> = {
    old: (edge) => {
      edge.ask(`id=${this.id}&version=1.0.0`);
      this.offered = true;
      this.failed ||= this.#pending;
      this.#pending = false;
    },
    download: (edge) => {
      if (!this.offered) return;
      edge.download(this.id);
      this.downloaded = true;
      this.#pending = true;
    },
    new: (edge) => {
      if (!this.offered) return;
      edge.ask(`id=${this.id}&version=1.1.0`);
      this.downloaded = true;
      this.booted = true;
    },
  };
}

/** NGINX in one life after another. */
class Lives {
  edge: Edge;

  constructor(interval: number) {
    this.edge = new Edge().offer({ interval });
  }

  restart(): void {
    this.edge = this.edge.restarted();
  }

  /** What was counted in all lives together. */
  count(name: string): number {
    return this.edge.counted()[name] ?? 0;
  }
}

describe('over any sequence of questions, downloads and restarts', () => {
  it('counts each device once for what it did, in all its lives together', () => {
    const act = fc.tuple(
      fc.nat(4),
      fc.constantFrom('old', 'old', 'new', 'download', 'download', 'restart', 'save', 'pass'),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const lives = new Lives(1_000_000);
        const devices = Array.from({ length: 5 }, (_, n) => new Device(`d${n}`));
        const ofNginx: Readonly<Record<string, () => unknown>> = {
          restart: () => lives.restart(),
          save: () => lives.edge.save(),
          pass: () => lives.edge.pass(7),
        };
        for (const [n, what] of acts) {
          const device = devices[n] as Device;
          ofNginx[what]?.();
          if (!device.booted) device.acts[what]?.(lives.edge);
        }
        const count = (is: (device: Device) => boolean) => devices.filter(is).length;
        expect(lives.count('offered')).toBe(count((device) => device.offered));
        expect(lives.count('downloaded')).toBe(count((device) => device.downloaded));
        expect(lives.count('booted')).toBe(count((device) => device.booted));
        expect(lives.count('failed')).toBe(count((device) => device.failed));
        expect(lives.count('recovered')).toBe(count((device) => device.failed && device.booted));
        expect(lives.edge.report().flights).toBe(count((device) => device.offered && !device.booted));
      }),
      { numRuns: 300 },
    );
  });

  it('never has more outcomes than downloads, nor takes back what it has not counted', () => {
    const acts: Readonly<Record<string, (lives: Lives, id: string) => void>> = {
      download: ({ edge }, id) => edge.download(id),
      pass: ({ edge }) => edge.pass(150),
      restart: (lives) => lives.restart(),
      save: ({ edge }, id) => edge.save(() => edge.download(id)),
    };
    const questions = ['version=1.0.0', 'version=1.1.0', 'version=rubbish', ''];
    const any = fc.tuple(fc.nat(3), fc.constantFrom(...questions, ...Object.keys(acts)));
    fc.assert(
      fc.property(fc.array(any, { maxLength: 80 }), (done) => {
        const lives = new Lives(100);
        for (const [n, what] of done) {
          const act = acts[what] ?? (({ edge }, id) => edge.ask(`id=${id}&${what}`));
          act(lives, `d${n}`);
        }
        const failed = lives.count('failed') - lives.count('recovered');
        const lost = lives.count('lost') - lives.count('found');
        expect(failed).toBeGreaterThanOrEqual(0);
        expect(lost).toBeGreaterThanOrEqual(0);
        expect(lives.count('booted') + failed + lost).toBeLessThanOrEqual(lives.count('downloaded'));
        expect(lives.count('downloaded')).toBeLessThanOrEqual(lives.count('offered'));
      }),
      { numRuns: 300 },
    );
  });
});
