/** The operator's host: the load balancer, with the package's own command, as the operator of etcd. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onWith } from './hosts.js';

/** What Vagrant shows to the load balancer as /srv/cluster. */
const SHARED = new URL('../../build/cluster/lb/', import.meta.url);
const AUTHORITY = new URL('../../build/cluster/authority/', import.meta.url);
const ENDPOINTS = [11, 12, 13].map((n) => `https://192.168.56.${n}:2379`).join(',');

/** The authority of everything that the cluster serves over TLS. */
export function authorityOf(): string {
  return readFileSync(new URL('ca.crt', AUTHORITY), 'utf8');
}

/** Puts a file onto the operator's host; returns its path there. */
export function giveOperator(name: string, content: string | Uint8Array): string {
  writeFileSync(fileURLToPath(new URL(name, SHARED)), content, { mode: 0o600 });
  return `/srv/cluster/${name}`;
}

/** Gives the operator what a command takes to reach etcd and to upload; returns its environment. */
export function operatorEnvironment(): Readonly<Record<string, string>> {
  const secret = (name: string) => readFileSync(new URL(name, AUTHORITY), 'utf8');
  return {
    SIDEKICK_ETCD_ENDPOINTS: ENDPOINTS,
    SIDEKICK_ETCD_CA: '/etc/sidekick/ca.crt',
    SIDEKICK_ETCD_CERT: '/etc/credstore/sidekick-watch.etcd-cert',
    SIDEKICK_ETCD_KEY: '/etc/credstore/sidekick-watch.etcd-key',
    SIDEKICK_ETCD_USERNAME: 'operator',
    SIDEKICK_ETCD_PASSWORD_FILE: giveOperator('operator-password', secret('passwords/operator')),
    SIDEKICK_UPLOAD_CA: '/etc/sidekick/ca.crt',
    SIDEKICK_UPLOAD_TOKEN_FILE: giveOperator('upload-token', secret('upload-token')),
  };
}

/** Runs `sidekick firmware …` on the operator's host. Rejects with what it said when it fails. */
export function firmware(environment: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
  return onWith(environment, 'lb', 'sidekick', 'firmware', ...args);
}
