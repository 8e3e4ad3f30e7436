#!/usr/bin/env node
// Copies the files of the dashboard to dist. They are served as they are: there is nothing to compile.
import { cp, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { root } from './setup/run.mjs';

const SERVED = ['.html', '.css', '.js', '.svg'];

const from = join(root, 'src/telemetry/dashboard');
const to = join(root, 'dist/dashboard');
await rm(to, { recursive: true, force: true });
await cp(from, to, { recursive: true, filter: (path) => path === from || SERVED.includes(extname(path)) });
