import type { firmwareStatusScope } from '../../config/firmware/report.js';
import type { KeyPrefixes } from '../../core/keys.js';
import type { KeyValue } from '../../core/ports.js';
import { announcedPrefixes, serversIn } from '../../daemon/firmware/announced.js';
import { firmwarePrefix, firmwareRoot } from '../../firmware/keys.js';
import { parseType } from '../../firmware/names.js';
import { readTypes } from '../../firmware/type-state.js';
import { type TypeStatus, typeStatuses } from '../../firmware/type-status.js';
import type { InvocationOf } from '../command.js';
import { notFound } from '../not-found.js';
import { printJson } from '../print-json.js';
import { printLines } from '../print-lines.js';
import { argument, withEtcd } from '../with-etcd.js';
import { typeLines } from './status-text.js';

/** `sidekick firmware status`: what became of what devices were offered, of one type or of all. */
export async function statusCommand(order: InvocationOf<typeof firmwareStatusScope>): Promise<number> {
  const { config, args, out } = order;
  const { service, json } = config.values;
  const name = args[0] === undefined ? undefined : argument('type', parseType(args[0]));
  await withEtcd(order, async ({ store, prefixes, signal }) => {
    const root = name === undefined ? firmwareRoot(prefixes) : firmwarePrefix(prefixes, name);
    const wanted = [root, ...announcedPrefixes({ prefixes, service })];
    const lists = await Promise.all(wanted.map((prefix) => store.list(prefix, signal)));
    const entries = new Map(lists.flat().map((entry) => [entry.key, entry]));
    const types = typesIn(entries, { prefixes, service, now: Date.now() });
    const [only] = types;
    if (name !== undefined && only === undefined) {
      throw notFound(`nothing has been published of type ${name}`);
    }
    if (json) return printJson(out, name === undefined ? types : only);
    if (types.length === 0) return printLines(out, 'no firmware has been published');
    return printLines(out, ...typeLines(types));
  });
  return 0;
}

/** How the types among these keys stand. */
export function typesIn(
  entries: ReadonlyMap<string, KeyValue>,
  options: { readonly prefixes: KeyPrefixes; readonly service: string; readonly now: number },
): readonly TypeStatus[] {
  const { prefixes, now } = options;
  const types = [...readTypes(prefixes, entries.values()).values()];
  return typeStatuses({ prefixes, types, servers: serversIn(entries, options), problems: [], now });
}
