import { Registrations } from '../../src/core/registrations.js';
import { DEFAULT_KEY_PREFIXES } from '../../src/core/keys.js';
const n = Number(process.argv[2] ?? 10000),
  g = Number(process.argv[3] ?? 1),
  reps = Number(process.argv[4] ?? 1);
const entries = new Map();
for (let i = 0; i < n; i++) {
  const key = `/services/group-${i % g}/10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:8080`;
  entries.set(key, { key, value: '{"weight":1}', revision: i + 5, created: i + 5, lease: String(i) });
}
const own = [] as never;
for (let r = 0; r < reps; r++) {
  const reg = new Registrations(DEFAULT_KEY_PREFIXES, {
    limits: { instances: 100000, bytes: 1 << 26 },
    own,
  } as never);
  const t = process.hrtime.bigint();
  const c = process.cpuUsage();
  reg.apply({ entries, changed: new Set(entries.keys()), revision: n + 10 } as never);
  const u = process.cpuUsage(c);
  console.log('apply ms', Number(process.hrtime.bigint() - t) / 1e6, 'cpu', (u.user + u.system) / 1000);
}
