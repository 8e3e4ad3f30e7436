import type { Allow } from '../core/address-policy.js';

/** Whether instances of a service are taken from some networks only. */
export function isLimited(service: string, allow: Allow): boolean {
  return Object.hasOwn(allow, service) || Object.hasOwn(allow, '*');
}

/** Why a credential must not go to the instances of a service. */
export function openRecipients(service: string, remedy: string): string {
  return `would be sent to every address that is registered as ${service}: give the networks of its instances in allow, or use ${remedy}`;
}
