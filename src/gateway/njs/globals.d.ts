/** `gateway.json`, preloaded by NGINX: the declared groups and zones. */
declare const gateway: {
  /** Networks that servers may be in although they are loopback, link-local, multicast or this host's own. */
  allow?: string[];
  http?: import('../store/platform.js').KindConfig;
  stream?: import('../store/platform.js').KindConfig;
};
/** A number that differs from one load of the configuration to the next, preloaded by NGINX. */
declare const gateway_load: number;
