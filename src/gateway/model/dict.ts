/** Maps with keys from outside: `constructor` and the like are keys like any other. */

/** An object's own value, and not what every object has. */
export function get<V>(object: { [key: string]: V } | undefined, key: string): V | undefined {
  // biome-ignore lint/suspicious/noPrototypeBuiltins: njs has no Object.hasOwn.
  return object !== undefined && Object.prototype.hasOwnProperty.call(object, key) ? object[key] : undefined;
}

/** An object that has nothing but what is put into it. */
export function create<V>(): { [key: string]: V } {
  return Object.create(null) as { [key: string]: V };
}
