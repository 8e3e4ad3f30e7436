/** A real browser: Debian's Chromium in a container on the host's network, so that it reaches what listens on the loopback. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { freePort, startContainer, type TestNetwork, until } from '../../support/containers/index.js';

/** Starts a browser, which goes with the network. */
export async function startBrowser(network: TestNetwork): Promise<Browser> {
  const port = await freePort();
  await startContainer({
    image: 'sidekick-browser',
    name: 'browser',
    network,
    onHost: true,
    command: [`--remote-debugging-port=${port}`],
    ready: () =>
      until('the browser answers', async () => (await fetch(`http://127.0.0.1:${port}/json/version`)).ok),
  });
  // One that has just been started may leave the first to connect without an answer.
  return until(
    'the browser takes commands',
    () => chromium.connectOverCDP(`http://127.0.0.1:${port}`, { timeout: 25_000 }),
    { timeoutMs: 140_000 },
  );
}

/** A page, and what it had to complain about. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of its console, and exceptions. */
  readonly complaints: string[];
}

/** Opens a page that ends with its test. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, complaints };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

/** What axe-core finds against the page, in short. */
export async function accessibilityViolations(page: Page): Promise<readonly string[]> {
  // By the debugger: the page's own policy permits no script but its own.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}
