/** `gateway.json`, preloaded by NGINX: the declared groups and zones. */
declare const gateway: {
  http?: import('../store/platform.js').KindConfig;
  stream?: import('../store/platform.js').KindConfig;
};
/** Upstreams of this load of the configuration that keep connections to one server open, by its address; preloaded. */
declare const gateway_kept: { readonly [address: string]: string | undefined };
/** A number that differs from one load of the configuration to the next, preloaded by NGINX. */
declare const gateway_load: number;
