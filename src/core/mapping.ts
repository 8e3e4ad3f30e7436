import { KINDS, type Kind, type UpstreamId, type UpstreamRef, upstreamId } from './upstream.js';

/** One line of configuration: this service feeds that upstream. */
export interface MappingRule {
  readonly service: string;
  readonly kind: Kind;
  readonly upstream: string;
}

/** The upstream groups that one NGINX has. */
export type Topology = Readonly<Record<Kind, readonly string[]>>;

/** Why a service feeds no upstream, or not the one it was told to. */
export interface MappingProblem {
  readonly service: string;
  readonly code: 'no-upstream' | 'ambiguous' | 'upstream-missing';
  readonly message: string;
}

export interface Mapping {
  /** The services that feed each upstream, in alphabetical order. */
  readonly feeds: ReadonlyMap<UpstreamId, readonly string[]>;
  readonly problems: readonly MappingProblem[];
}

/**
 * Decides which services feed which upstream groups. Rules decide for the services they name; any other service
 * feeds the group of its own name, where exactly one kind has it.
 */
export function mapServices(
  services: ReadonlySet<string>,
  rules: readonly MappingRule[],
  topology: Topology,
): Mapping {
  const feeds = new Map<UpstreamId, string[]>();
  const problems: MappingProblem[] = [];
  for (const service of [...services].sort()) {
    const targets = targetsOf(service, rules, topology);
    problems.push(...targets.problems);
    for (const ref of targets.refs) {
      const id = upstreamId(ref);
      feeds.set(id, [...(feeds.get(id) ?? []), service]);
    }
  }
  return { feeds, problems };
}

function targetsOf(
  service: string,
  rules: readonly MappingRule[],
  topology: Topology,
): { refs: readonly UpstreamRef[]; problems: readonly MappingProblem[] } {
  const rulesOfService = rules.filter((rule) => rule.service === service);
  if (rulesOfService.length > 0) {
    const missing = rulesOfService.filter((rule) => !topology[rule.kind].includes(rule.upstream));
    return {
      refs: rulesOfService
        .filter((rule) => !missing.includes(rule))
        .map((rule) => ({ kind: rule.kind, name: rule.upstream })),
      problems: missing.map((rule) => ({
        service,
        code: 'upstream-missing',
        message: `configuration maps ${service} to the ${rule.kind} upstream ${rule.upstream}, which NGINX does not have`,
      })),
    };
  }
  const kinds = KINDS.filter((kind) => topology[kind].includes(service));
  if (kinds.length === 1) return { refs: kinds.map((kind) => ({ kind, name: service })), problems: [] };
  const code = kinds.length === 0 ? 'no-upstream' : 'ambiguous';
  const message =
    kinds.length === 0
      ? `NGINX has no upstream ${service}, and no rule maps the service elsewhere`
      : `NGINX has both an http and a stream upstream ${service}: add a rule that says which one`;
  return { refs: [], problems: [{ service, code, message }] };
}
