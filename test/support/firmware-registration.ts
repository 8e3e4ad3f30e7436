/** What a sidekick registers that has every published file, and whatever will be published. */
export const HOLDS_ALL = JSON.stringify({ meta: { firmware: String(Number.MAX_SAFE_INTEGER) } });
