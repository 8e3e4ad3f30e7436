/** Objects used as maps whose keys come from outside: `constructor` and the like are keys like any other. */

/** The object's own value for a key, never an inherited one. */
export function get<V>(object: { [key: string]: V } | undefined, key: string): V | undefined {
  // biome-ignore lint/suspicious/noPrototypeBuiltins: njs has no Object.hasOwn.
  return object !== undefined && Object.prototype.hasOwnProperty.call(object, key) ? object[key] : undefined;
}

/** An empty map that inherits nothing. */
export function create<V>(): { [key: string]: V } {
  return Object.create(null) as { [key: string]: V };
}
