import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** One file of the dashboard. */
export interface DashboardFile {
  readonly body: Buffer;
  readonly type: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const FOLDER = new URL('./dashboard/', import.meta.url);

/** Reads the files of the dashboard, by their names. What is no file of a page is left out. */
export function readDashboardFiles(): ReadonlyMap<string, DashboardFile> {
  const files = new Map<string, DashboardFile>();
  for (const name of readdirSync(FOLDER)) {
    const type = TYPES[extname(name)];
    if (type !== undefined) files.set(name, { body: readFileSync(new URL(name, FOLDER)), type });
  }
  return files;
}

/**
 * The headers of every answer that a browser may show: nothing is run, loaded, framed or sent but by the dashboard's own
 * files, and no text becomes HTML (`require-trusted-types-for`).
 * Source: Content Security Policy Level 3, Trusted Types.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
