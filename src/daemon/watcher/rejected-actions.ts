import type { Action } from '../../core/plan.js';

/**
 * The actions that NGINX refused in a way that asking again does not change (a full zone, a parameter it does not
 * take). They are kept back for a while, so that a poll four times a second does not repeat them.
 */
export class RejectedActions {
  readonly #until = new Map<string, number>();

  add(action: Action, until: number): void {
    this.#until.set(keyOf(action), until);
  }

  has(action: Action, now: number): boolean {
    return (this.#until.get(keyOf(action)) ?? 0) > now;
  }

  get size(): number {
    return this.#until.size;
  }

  clear(): void {
    this.#until.clear();
  }
}

/** What was wanted, in words that outlive a reload: without the id. */
function keyOf(action: Action): string {
  switch (action.type) {
    case 'add':
      return `add ${action.address} ${JSON.stringify(action.parameters)}`;
    case 'update':
      return `update ${action.address} ${JSON.stringify(action.changes)}`;
    default:
      return `${action.type} ${action.address}`;
  }
}
