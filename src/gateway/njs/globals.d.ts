/** `gateway.json`, preloaded by NGINX: the declared groups and zones. */
declare const gateway: {
  /** Special-purpose networks, and addresses of this host, that servers may have nevertheless. */
  allow?: string[];
  http?: import('../store/config.js').KindConfig;
  stream?: import('../store/config.js').KindConfig;
};
/** A number that is different for each load of the configuration, preloaded by NGINX. */
declare const gateway_load: number;
