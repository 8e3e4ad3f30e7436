/** njs module: the periodic work of both blocks. */
import type { Kind } from '../model/server.js';
import * as upkeep from '../store/upkeep.js';
import * as generation from './generation.js';
import * as platforms from './platform.js';

/** Runs between two rounds of the slower work. */
const SELDOM = 4;

function run(kind: Kind): void {
  const platform = platforms.of(kind);
  upkeep.often(platform);
  if (platform.counters.incr(' rounds', 1) % SELDOM !== 0) return;
  const children = platforms.children();
  upkeep.seldom(platform, children);
  if (kind === 'http') upkeep.census(platform, generation.current(platform).number, children);
}

function http(): void {
  run('http');
}

function stream(): void {
  run('stream');
}

export default { http, stream };
