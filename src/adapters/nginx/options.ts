import type { Tls } from '../../core/tls.js';

/** How to reach one NGINX Plus API. */
export interface NginxApiOptions {
  /** What it is called in logs, metrics and the watcher's presence key. */
  readonly name: string;
  /**
   * The root of the API, without a version: `http://127.0.0.1:8080/api`, or `unix:/run/sidekick-gateway/api/api.sock:/api`
   * (the socket's path, a colon, the path of the API). A trailing slash is allowed.
   */
  readonly url: string;
  /** How long one call may take, in ms; default 5 s. */
  readonly timeout?: number;
  /** The most connections kept open to the API, which is also the most calls under way at a time; default 9. */
  readonly connections?: number;
  /** For `https:` URLs. */
  readonly tls?: Tls;
  /** What to authenticate with: HTTP basic, or a bearer token. */
  readonly auth?: NginxAuth;
}

export type NginxAuth = { readonly username: string; readonly password: string } | { readonly token: string };

export const DEFAULT_NGINX_TIMEOUT = 5_000;
export const DEFAULT_NGINX_CONNECTIONS = 9;
