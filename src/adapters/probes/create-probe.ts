import type { Probe } from '../../core/ports.js';
import { createExecProbe } from './exec.js';
import { createHttpProbe } from './http.js';
import { createMqttProbe } from './mqtt.js';
import type { ProbeSpec } from './spec.js';
import { createTcpProbe } from './tcp.js';

/**
 * The probe that a specification describes. It has no time-out of its own: the caller aborts its signal. `close` ends the
 * connection of a probe that keeps one from probe to probe. A probe type that is missing here does not compile.
 */
export function createProbe(spec: ProbeSpec): Probe & { close?(): void } {
  switch (spec.type) {
    case 'http':
      return createHttpProbe(spec);
    case 'tcp':
      return createTcpProbe(spec);
    case 'mqtt':
      return createMqttProbe(spec);
    case 'exec':
      return createExecProbe(spec);
  }
}
