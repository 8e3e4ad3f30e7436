import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/config/engine/duration.js';
import { loadConfig } from '../../../src/config/load.js';
import { registerScope } from '../../../src/config/register.js';
import { watchScope } from '../../../src/config/watch.js';
import { watchdogInterval } from '../../../src/telemetry/systemd-notify.js';
import { settingsOf, unitPath, wordsOf } from './unit-file.js';

const SIDEKICK = 'sidekick@.service';
const WATCH = 'sidekick-watch.service';
const DEMO = ['firmware@.service', 'mqtt-broker@.service', 'loadbalancer.service'];

/** Whose values differ from unit to unit for a reason; everything else of [Service] is hardening, and the same. */
const OWN = /^Service\.(ExecStart|LoadCredential|SupplementaryGroups|ReadWritePaths)$/;

function service(unit: string): string[] {
  return settingsOf(unit)
    .filter(([key]) => key.startsWith('Service.') && !OWN.test(key))
    .map(([key, value]) => `${key}=${value}`);
}

function sources(example: string) {
  return { flags: new Map([['--config', unitPath(`deb/examples/${example}`)]]), env: {} };
}

describe('the unit of a sidekick', () => {
  it('stops before the unit that it is named after, which it is bound to', () => {
    expect(wordsOf(SIDEKICK, 'Unit.BindsTo')).toEqual(['%i.service']);
    expect(wordsOf(SIDEKICK, 'Unit.After')).toContain('%i.service');
    expect(wordsOf(SIDEKICK, 'Install.WantedBy')).toEqual(['%i.service']);
  });

  it('allows a start and a stop as long as the process shows signs of life', () => {
    const [watchdog = ''] = wordsOf(SIDEKICK, 'Service.WatchdogSec');
    const sign = watchdogInterval({ WATCHDOG_USEC: String(1000 * (parseDuration(watchdog) ?? 0)) });
    for (const key of ['Service.TimeoutStartSec', 'Service.TimeoutStopSec']) {
      const [limit = ''] = wordsOf(SIDEKICK, key);
      expect(parseDuration(limit.replace('min', 'm'))).toBeGreaterThan(
        2 * (sign ?? Number.POSITIVE_INFINITY),
      );
    }
  });

  it.each(['firmware.yaml', 'mqtt.yaml'])('has the valid example configuration %s', (example) => {
    expect(loadConfig(registerScope, sources(example)).lists.services).toHaveLength(1);
  });

  it('does not restart for a configuration that cannot become valid by itself', () => {
    expect(wordsOf(SIDEKICK, 'Service.RestartPreventExitStatus')).toEqual(['2']);
  });
});

describe('a unit of sidekick', () => {
  it('differs from the other in its command line and its stop, and is confined like it', () => {
    expect(service(WATCH)).toEqual(service(SIDEKICK));
  });

  it('has a valid example configuration', () => {
    const { lists } = loadConfig(watchScope, sources('watch.yaml'));
    expect(lists.probes.map(({ values }) => values.service)).toEqual(['firmware', 'mqtt']);
  });
});

describe('the unit of a firmware server', () => {
  const SERVER = 'firmware@.service';

  it('shares its files with its sidekick by a group', () => {
    expect(wordsOf(SERVER, 'Service.Group')).toEqual(['sidekick-firmware']);
    expect(wordsOf(SIDEKICK, 'Service.SupplementaryGroups')).toEqual(['sidekick-firmware']);
    const directory = '/srv/firmware/blobs';
    const made = wordsOf(SERVER, 'Service.ExecStartPre');
    expect(made.slice(-5)).toEqual(['-g', 'sidekick-firmware', '-m', '2775', directory]);
    // It need not be there: a sidekick has none beside it, and the server's has not been made before its first start.
    for (const unit of [SERVER, SIDEKICK]) {
      expect(wordsOf(unit, 'Service.ReadWritePaths')).toEqual([`-${directory}`]);
    }
  });
});

describe('the unit of the gateway', () => {
  it('gives its workers no access to the directory that its master reads configuration from', () => {
    expect(wordsOf('loadbalancer.service', 'Service.RuntimeDirectory')).toEqual(['sidekick-gateway']);
    expect(wordsOf('loadbalancer.service', 'Service.User')).toEqual([]);
    expect(wordsOf('loadbalancer.service', 'Service.ProtectSystem')).toEqual(['strict']);
  });
});

describe('every unit', () => {
  it.each([SIDEKICK, WATCH, ...DEMO])(
    'restarts %s when it fails, ever less often and without end',
    (unit) => {
      expect(wordsOf(unit, 'Service.Restart')).toEqual(['on-failure']);
      expect(wordsOf(unit, 'Unit.StartLimitIntervalSec')).toEqual(['0']);
      expect(wordsOf(unit, 'Service.RestartSteps')).toEqual(['8']);
      expect(wordsOf(unit, 'Service.RestartMaxDelaySec')).toEqual(['30s']);
    },
  );

  it.each([SIDEKICK, WATCH, ...DEMO])('keeps %s from gaining privileges', (unit) => {
    expect(wordsOf(unit, 'Service.NoNewPrivileges')).toEqual(['yes']);
    expect(settingsOf(unit).map(([key]) => key)).toContain('Service.CapabilityBoundingSet');
  });
});
