import type { Probe } from '../../core/ports.js';
import { createExecProbe } from './exec.js';
import { createHttpProbe } from './http.js';
import { createMqttProbe } from './mqtt.js';
import type { ProbeSpec } from './spec.js';
import { createTcpProbe } from './tcp.js';

/**
 * The probe that a specification describes. It takes as long as it takes: its caller's signal is its time limit.
 * Where it keeps a connection from probe to probe, `close` ends that.
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
