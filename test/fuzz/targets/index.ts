import type { AnyTarget } from '../target.js';
import { api } from './api.js';
import { etcdAnswers } from './etcd-answers.js';
import { gatewayApi } from './gateway-api.js';
import { gatewayMqtt } from './gateway-mqtt.js';
import { gatewayState } from './gateway-state.js';
import { mqttParser } from './mqtt.js';
import { nginxAnswers } from './nginx-answers.js';
import { registrations } from './registrations.js';
import { state } from './state.js';
import { watcher } from './watcher.js';

/** Those that run in one process, without containers. */
export const UNIT_TARGETS: readonly AnyTarget[] = [
  registrations,
  watcher,
  api,
  state,
  mqttParser,
  nginxAnswers,
];

/** Those that need containers. */
export const REAL_TARGETS: readonly AnyTarget[] = [gatewayApi, gatewayMqtt, gatewayState, etcdAnswers];
