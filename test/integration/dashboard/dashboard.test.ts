/** The dashboard of a watcher in a real browser, with a real etcd, a real gateway and a real broker. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { WatchDashboard } from '../../../src/commands/watch-dashboard.js';
import { startAdminServer } from '../../../src/telemetry/admin-server.js';
import { EventJournal } from '../../../src/telemetry/event-journal.js';
import {
  API_TOKEN_FILE,
  type Backend,
  type Etcd,
  freePort,
  type Gateway,
  startBroker,
  startParts,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { FakeNginx } from '../../support/fake-nginx.js';
import { HARMFUL } from '../../support/hostile.js';
import { NginxApiServer } from '../../support/nginx-api-server.js';
import { Watching } from '../../support/watching.js';
import { run, start } from '../cli/cli.js';
import { accessibilityViolations, openPage, startBrowser } from './browser.js';
import { putFirmware } from './firmware-records.js';

let network: TestNetwork;
let etcd: Etcd;
let gateway: Gateway;
let broker: Backend;
let browser: Browser;
let connection: EtcdConnection;
let admin: string;

beforeAll(async () => {
  ({ network, etcd, gateway, broker, browser } = await startParts(async (its) => {
    const [first, chromium] = await Promise.all([startBroker(its, 1), startBrowser(its)]);
    return { broker: first, browser: chromium };
  }));
  connection = connectEtcd({ endpoints: [etcd.url] });
});
afterAll(async () => {
  connection?.close();
  await browser?.close();
  await network?.remove();
});

beforeEach(async () => {
  admin = `http://127.0.0.1:${await freePort()}`;
});
afterEach(async () => {
  await etcd.delete('/services/');
  await until('the gateway is empty', async () => (await gateway.servers('stream', 'mqtt')).length === 0);
});

function watch(...more: readonly string[]) {
  return watchNginx('--nginx-api', gateway.api, ...more);
}

function watchNginx(...more: readonly string[]) {
  return start([
    ...['watch', '--id', 'lb1', '--etcd-endpoints', etcd.url, '--lease-ttl', '5s'],
    ...['--nginx-token-file', API_TOKEN_FILE, '--guard-grace', '0s', '--guard-hold', '0s'],
    ...['--gateway-probes', 'off', '--admin-listen', new URL(admin).host, ...more],
  ]);
}

const connected = (page: Page, state: string) => page.locator(`[data-connection="${state}"]`);
const row = (page: Page, address: string, state: string): Locator =>
  page.locator(`[data-server="${address}"][data-state="${state}"]`);
const happened = (page: Page, event: string): Locator => page.locator(`[data-event="${event}"]`);

function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
}

/** A client that stays connected to a broker through the gateway. Returns what ends it. */
function session(): () => void {
  const client = connect(gateway.mqttPort, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  client.on('error', () => {});
  // CONNECT of MQTT 3.1.1 with a clean session, no keep-alive and the ClientId `ab`.
  client.write(Buffer.from('100e00044d5154540402000000026162', 'hex'));
  return () => client.destroy();
}

it('shows a server that appears, has connections, drains and goes', async () => {
  const watcher = watch();
  await watcher.event('daemon-ready');
  const { page, complaints } = await openPage(browser);
  await page.goto(admin);
  await connected(page, 'live').waitFor();

  const key = `/services/mqtt/${broker.address}`;
  await etcd.put(key, '{"weight":2}');
  await row(page, broker.address, 'up').waitFor();
  const added = happened(page, 'server-added');
  await added.waitFor();
  expect(await added.textContent()).toContain('its registration was written');

  const end = session();
  const open = row(page, broker.address, 'up').locator('td').nth(1);
  await until('the session is counted', async () => (await open.textContent()) === '1');

  await etcd.put(key, '{"drain":true}');
  const draining = row(page, broker.address, 'draining');
  await draining.waitFor();
  expect(await draining.textContent()).toMatch(/[45]:\d\d left, its registration asks to drain/);
  end();
  await draining.waitFor({ state: 'detached' });
  expect(await page.locator('[data-upstream="stream/mqtt"]').textContent()).toContain('no servers');
  const removed = happened(page, 'server-removed');
  await removed.waitFor();
  expect(await removed.textContent()).toContain('(idle)');
  expect(complaints).toEqual([]);
});

it('survives a restart of the watcher, and says so meanwhile', async () => {
  await etcd.put('/services/mqtt/10.9.0.1:1883', '');
  const first = watch();
  await first.event('daemon-ready');
  const { page, complaints } = await openPage(browser);
  await page.goto(admin);
  await row(page, '10.9.0.1:1883', 'up').waitFor();
  expect(complaints).toEqual([]);

  first.signal('SIGKILL');
  await first.ended();
  await connected(page, 'lost').waitFor();
  expect(await connected(page, 'lost').textContent()).toContain('what you see is old');
  expect(await page.locator('[role="status"]').textContent()).toContain('connection to the watcher is lost');
  // What was seen last stays.
  await row(page, '10.9.0.1:1883', 'up').waitFor();

  await watch().event('daemon-ready');
  await connected(page, 'live').waitFor();
  expect(await connected(page, 'live').textContent()).toContain('after a restart of the watcher');
  await etcd.put('/services/mqtt/10.9.0.2:1883', '');
  await row(page, '10.9.0.2:1883', 'up').waitFor();
  // What a browser itself says where nothing listens.
  expect(
    complaints.filter((text) => !text.includes('ERR_CONNECTION') && !text.includes('ERR_INCOMPLETE')),
  ).toEqual([]);
});

it.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 390],
] as const)('has nothing against it by axe-core: %s, %i wide', async (colorScheme, width) => {
  const watcher = watch();
  await watcher.event('daemon-ready');
  await etcd.put('/services/mqtt/10.9.0.1:1883', '');
  await etcd.put('/services/mqtt/10.9.0.2:1883', '{"down":true}');
  await etcd.put('/services/mqtt/nowhere', '');
  const { page, complaints } = await openPage(browser, { colorScheme, viewport: { width, height: 800 } });
  await page.goto(admin);
  await row(page, '10.9.0.2:1883', 'down').waitFor();
  await page.getByText('Refused registrations', { exact: true }).waitFor();
  expect(await accessibilityViolations(page)).toEqual([]);
  expect(await isTooWide(page)).toBe(false);
  expect(complaints).toEqual([]);
});

/** A watcher of two NGINX, one of which neither offers firmware nor counts it, that announces on two brokers, one of which is not there. */
async function watchFirmware() {
  await putFirmware(connection.store);
  const [ip] = broker.address.split(':');
  await etcd.put(`/services/mqtt/${broker.address}`, '');
  await etcd.put(`/services/mqtt/${ip}:1884`, '');
  const other = await NginxApiServer.start(new FakeNginx());
  onTestFinished(async () => {
    await other[Symbol.asyncDispose]();
    await etcd.delete('/sidekick/firmware/');
  });
  const nginx = JSON.stringify([
    { name: 'gateway', api: gateway.api },
    { name: 'other', api: other.url },
  ]);
  const watcher = watchNginx(
    '--nginx',
    nginx,
    '--firmware-origin',
    'https://ota.example.com',
    '--firmware-push',
  );
  await watcher.event('daemon-ready');
}

it('shows firmware, with nothing against it by axe-core, in light and in dark, wide and narrow', async () => {
  await watchFirmware();
  const { page, complaints } = await openPage(browser);
  await page.goto(admin);
  const panel = page.locator('section.firmware');
  const says = (where: Locator, text: string | RegExp) => where.getByText(text).first().waitFor();
  await says(panel, 'Announced on 1 of 2 brokers');
  await says(panel, /cannot be told: .*ECONNREFUSED/);
  await says(panel, /^Outcomes: gateway counted other not counted/);
  await says(panel, /^other/);
  const type = (name: string) => panel.locator(`[data-type="${name}"]`);
  await says(type('alarm'), 'One device in 4 is counted');
  await says(type('alarm'), '10 % of the devices (phases: 1 %, 10 %, 100 %)');
  await says(type('alarm'), 'of these by their ClientId alone');
  await says(type('alarm'), /^20 of 20 booted: /);
  await says(type('alarm'), /^100 % next, when 60 devices have booted \(38 so far\)/);
  await says(type('bulb'), /^Paused by watcher lb1 at .*: halted: 6 of 40 devices failed or were lost/);
  await says(type('bulb'), '10 % next, once it is resumed');
  await says(type('clock'), /at 5 % it would reach 15 devices .*12 run 1.0.0, 3 run another/);
  await says(type('door'), 'and the groups office, bench and devices that run 1.0.5');
  await says(type('door'), /1.2.0 is not offered: /);
  await says(type('eye'), '1 key cannot be read');
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      const found = [await accessibilityViolations(page), await isTooWide(page)];
      expect(found, `${colorScheme}, ${width} wide`).toEqual([[], false]);
    }
  }
  expect(complaints).toEqual([]);
}, 240_000);

it('keeps the focus and what is typed while servers come', async () => {
  const watcher = watch();
  await watcher.event('daemon-ready');
  await etcd.put('/services/mqtt/10.9.0.1:1883', '');
  const { page, complaints } = await openPage(browser);
  await page.goto(admin);
  await row(page, '10.9.0.1:1883', 'up').waitFor();
  const toggle = page.locator('[data-upstream="stream/mqtt"] button').first();
  await toggle.focus();
  await etcd.put('/services/mqtt/10.9.0.0:1883', '');
  await row(page, '10.9.0.0:1883', 'up').waitFor();
  expect(await page.evaluate<string>('document.activeElement.dataset.do')).toBe('close');
  await page.keyboard.press('Enter');
  await row(page, '10.9.0.0:1883', 'up').waitFor({ state: 'detached' });
  expect(await toggle.getAttribute('aria-expanded')).toBe('false');

  const filter = page.getByLabel('Show only events with this text');
  await filter.fill('10.9.0.0');
  await etcd.put('/services/mqtt/10.9.0.3:1883', '');
  await until('the event has come', async () =>
    (await page.locator('.counts').textContent())?.includes('3 up'),
  );
  expect(await filter.inputValue()).toBe('10.9.0.0');
  expect(await happened(page, 'server-added').count()).toBe(1);
  expect(complaints).toEqual([]);
});

it('shows hostile names as text', async () => {
  const watcher = watch();
  await watcher.event('daemon-ready');
  const { page, complaints } = await openPage(browser);
  await page.goto(admin);
  const names = ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>', '\u202e<b>evil</b>\u0007'];
  for (const name of names) await etcd.put(`/services/mqtt/${name}`, '');
  await etcd.put(
    '/sidekick/maintenance/mqtt/10.9.0.7:1883',
    JSON.stringify({ by: names[0], reason: names[1] }),
  );
  await etcd.put('/services/mqtt/10.9.0.7:1883', '');
  const main = page.locator('main');
  for (const shown of ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>', '<b>evil</b>']) {
    await main.getByText(shown).first().waitFor();
  }
  expect(await main.locator('script, b:text("evil"), img[src=x]').count()).toBe(0);
  expect(await main.textContent()).not.toMatch(HARMFUL);
  await etcd.delete('/sidekick/maintenance/');
  expect(complaints).toEqual([]);
});

it('stays usable with a group of 10,000 servers', async () => {
  const addresses = Array.from(
    { length: 10_000 },
    (_, n) => `10.1.${Math.floor(n / 250)}.${(n % 250) + 1}:80`,
  );
  const { page, complaints } = await openPage(browser);
  await page.goto(await startLargeWatcher(addresses));
  await page.getByText('10,000 up').waitFor();
  const rows = page.locator('[data-server]');
  expect(await rows.count()).toBe(10);
  await page.getByRole('button', { name: 'Browse all 10,000 servers' }).press('Enter');
  await page.getByText('1 to 50 of 10,000').waitFor();
  expect(await rows.count()).toBe(50);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('51 to 100 of 10,000').waitFor();
  const filter = page.getByLabel('Show only servers whose address has this text');
  await filter.fill('10.1.39.2');
  await page.getByText('1 to 50 of 62').waitFor();
  await row(page, '10.1.39.250:80', 'up').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Next' }).click();
  await row(page, '10.1.39.250:80', 'up').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Browse all 10,000 servers' }).waitFor();
  expect(await page.evaluate<string>('document.activeElement.dataset.do')).toBe('browse');
  expect(await accessibilityViolations(page)).toEqual([]);
  expect(complaints).toEqual([]);
});

/** A watcher in this process with one group of these servers, in memory. Resolves with the URL of its dashboard. */
async function startLargeWatcher(addresses: readonly string[]): Promise<string> {
  const limits = { instances: addresses.length, bytes: 1e9 };
  const watching = new Watching({ options: { limits } });
  onTestFinished(() => watching.stop());
  const puts = new Map(addresses.map((address) => [`/services/firmware/${address}`, '']));
  const { signal } = new AbortController();
  await watching.registry.commit({ expected: new Map(), puts }, signal);
  const dashboard = new WatchDashboard({
    watcher: watching.watcher,
    firmware: () => undefined,
    traffic: { of: () => undefined, refresh: () => {} },
    signal,
  });
  const server = await startAdminServer(
    { host: '127.0.0.1', port: 0 },
    {
      healthy: () => true,
      ready: () => true,
      metrics: () => Promise.resolve({ text: '', contentType: 'text/plain' }),
      status: () => ({}),
      events: new EventJournal(Date.now),
      dashboard,
    },
  );
  onTestFinished(() => server.close());
  return server.url;
}

/** A browser that has nobody to ask for another password gives up, or shows the refusal. */
async function expectDenied(page: Page, url: string): Promise<void> {
  const status = await page.goto(url).then(
    (response) => response?.status(),
    (error: Error) => (error.message.includes('ERR_INVALID_AUTH_CREDENTIALS') ? 401 : error.message),
  );
  expect(status).toBe(401);
}

/** A watcher that asks for a token, with the file of the token. */
function guardedWatch() {
  const directory = mkdtempSync(join(tmpdir(), 'dashboard-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'token');
  writeFileSync(file, `${TOKEN}\n`);
  return { watcher: watch('--admin-token-file', file), file };
}

const TOKEN = 'a-token-for-the-tests-0123456789';

it('asks for the token, says so in the log where it is wrong, and shows all to who has it', async () => {
  const { watcher } = guardedWatch();
  await watcher.event('admin-listening');
  const url = `${admin}/dashboard/`;
  const stranger = await openPage(browser);
  await expectDenied(stranger.page, url);
  const wrong = await openPage(browser, { httpCredentials: { username: 'ops', password: 'wrong' } });
  await expectDenied(wrong.page, url);
  expect(await watcher.event('admin-denied')).toMatchObject({ remote: '127.0.0.1' });
  const right = await openPage(browser, { httpCredentials: { username: 'ops', password: TOKEN } });
  await right.page.goto(url);
  await connected(right.page, 'live').waitFor();
  await right.page.getByText('lb1').first().waitFor();
});

it('is asked on the command line with the token, too', async () => {
  const { watcher, file } = guardedWatch();
  await watcher.event('admin-listening');
  const [without, withToken] = await Promise.all([
    run(['status', '--admin', admin]),
    run(['events', '--admin', admin, '--admin-token-file', file]),
  ]);
  expect(without.code).toBe(1);
  expect(without.err).toContain('--admin-token-file');
  expect(withToken).toMatchObject({ code: 0 });
  expect(withToken.out).toContain('daemon-started');
});
