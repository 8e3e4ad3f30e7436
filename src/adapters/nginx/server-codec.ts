import { parseAddress } from '../../core/address.js';
import { isObject } from '../../core/bounded-json.js';
import type { ActualServer } from '../../core/ports.js';
import {
  DEFAULT_PARAMETERS,
  PARAMETER_NAMES,
  parametersFor,
  readParameter,
  type ServerParameters,
} from '../../core/server-parameters.js';
import type { Kind } from '../../core/upstream.js';

/** One element of `servers` whose fields have the types that they have in NGINX's answers. */
type WireServer = Readonly<Record<string, unknown>> & { readonly id: number; readonly server: string };

/** A field that is absent has its default; one of another type is in no answer of NGINX. */
function isWireServer(value: unknown): value is WireServer {
  return (
    isObject(value) &&
    isId(value.id) &&
    typeof value.server === 'string' &&
    ['undefined', 'boolean'].includes(typeof value.drain) &&
    PARAMETER_NAMES.every(
      (name) => value[name] === undefined || typeof value[name] === typeof DEFAULT_PARAMETERS[name],
    )
  );
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A server that is not sidekick's. */
export const UNMANAGED = 'unmanaged';

/** Fields that only a server has which is not sidekick's. */
const UNMANAGED_FIELDS = ['parent', 'host', 'service'] as const;

/** What is the same of many servers. */
type Likeness = Pick<ActualServer, 'parameters' | 'draining'>;

/** One element of `servers` as NGINX writes it: the id, the address, and then all that many servers have in common. */
const ELEMENT = /^\{\s*"id"\s*:\s*(0|[1-9]\d{0,14})\s*,\s*"server"\s*:\s*"([^"\\\p{Cc}]*)"\s*([,}].*)$/su;

/** How many different likenesses a reader remembers. */
const MOST_LIKENESSES = 1_000;

/**
 * Reads elements of `servers`, without their counters. Of thousands of servers most differ by their id and their address
 * alone: what follows these is read once, and is one object for all of them.
 */
export class ServerReader {
  readonly #likenesses = new Map<string, Likeness | typeof UNMANAGED>();

  /**
   * Reads one element; undefined where it is none of NGINX's answers.
   * @param parse Parses the text where it has to be; what it throws is thrown.
   */
  read(text: string, parse: () => unknown): ActualServer | typeof UNMANAGED | undefined {
    const [, id = '', server = '', rest = ''] = ELEMENT.exec(text) ?? [];
    const known = this.#likenesses.get(rest);
    if (known !== undefined) return withLikeness(Number(id), server, known);
    const value = parse();
    if (!isWireServer(value)) return undefined;
    const likeness = likenessOf(value);
    if (rest !== '' && !namesAnother(rest)) this.#remember(rest, likeness);
    return withLikeness(value.id, value.server, likeness);
  }

  #remember(rest: string, likeness: Likeness | typeof UNMANAGED): void {
    if (this.#likenesses.size >= MOST_LIKENESSES) this.#likenesses.clear();
    this.#likenesses.set(rest, likeness);
  }
}

/** Whether what follows an id and an address has an id or an address once more: the last one counts. */
function namesAnother(rest: string): boolean {
  const { id, server } = JSON.parse(`{"id":-1,"server":""${rest}`) as { id: unknown; server: unknown };
  return id !== -1 || server !== '';
}

/** Not sidekick's are a DNS name, a child of one (`parent`, `host`), an SRV `service` and a unix socket. */
function withLikeness(
  id: number,
  server: string,
  likeness: Likeness | typeof UNMANAGED,
): ActualServer | typeof UNMANAGED {
  const address = parseAddress(server);
  if (likeness === UNMANAGED || !address.ok) return UNMANAGED;
  const { parameters, draining } = likeness;
  return { id, address: address.value, parameters, draining, failing: false };
}

function likenessOf(value: WireServer): Likeness | typeof UNMANAGED {
  if (UNMANAGED_FIELDS.some((name) => (value[name] ?? '') !== '')) return UNMANAGED;
  return { parameters: readWireParameters(value), draining: value.drain === true };
}

/** NGINX's own spelling of a time (`1m`) becomes the canonical one (`60s`), so that equal servers compare equal. */
function readWireParameters(server: Readonly<Record<string, unknown>>): ServerParameters {
  const read = PARAMETER_NAMES.map((name) => [name, readParameter(name, server[name])] as const);
  const good = read.flatMap(([name, result]) => (result.ok ? [[name, result.value] as const] : []));
  return { ...DEFAULT_PARAMETERS, ...Object.fromEntries(good) };
}

/** The parameters that a server of this kind has, for a request body. */
export function wireParameters(kind: Kind, parameters: Partial<ServerParameters>): Partial<ServerParameters> {
  const known: ReadonlySet<string> = new Set(parametersFor(kind));
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => known.has(name)));
}
