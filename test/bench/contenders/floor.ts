/** The floor: what the two libraries cost by themselves, without any logic. */
import { fileURLToPath } from 'node:url';
import { Child } from '../host/child.js';
import type { Contender } from './contender.js';

const WATCH = fileURLToPath(new URL('./programs/floor-watch.mjs', import.meta.url));
const REGISTER = fileURLToPath(new URL('./programs/floor-register.mjs', import.meta.url));
const CONNECTIONS = 32;

export const floor: Contender = {
  name: 'floor',
  watch: async ({ etcd, nginx }, { sync, connections = CONNECTIONS }) =>
    new Child(process.execPath, [WATCH, etcd.url, nginx.url, String(connections), sync ? 'sync' : 'watch']),
};

/** Puts a key under a lease that it keeps alive. */
export function registerByFloor(etcd: string, key: string): Child {
  return new Child(process.execPath, [REGISTER, etcd, key]);
}
