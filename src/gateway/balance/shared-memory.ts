/** What balancing needs of NGINX's shared dictionaries and variables. */

/** The used part of an njs dictionary of strings. */
export interface Tables {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
}

/** The used part of an njs dictionary of numbers. `incr` is atomic over all workers. */
export interface Counters {
  get(key: string): number | undefined;
  incr(key: string, by: number): number;
}

/** NGINX's variables of a request or session. `upstream` names its group, `pid` the worker. */
export interface Variables {
  [name: string]: string | undefined;
}
