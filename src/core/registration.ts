import type { Instance } from './keys.js';
import type { ServerParameters } from './server-parameters.js';

/** What one instance's key in etcd says. */
export interface Registration extends Instance {
  readonly parameters: ServerParameters;
  /** The instance asks to be taken out gently: it is about to stop. */
  readonly drain: boolean;
  /** The registrant's own labels (`zone`, `version` …); sidekick carries them and gives them no meaning. */
  readonly meta: Readonly<Record<string, string>>;
}
