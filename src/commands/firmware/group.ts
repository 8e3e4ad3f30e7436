import type { firmwareGroupScope } from '../../config/firmware/group.js';
import { UsageError } from '../../core/errors.js';
import { FirmwareRepository } from '../../daemon/firmware/repository.js';
import { type Group, parseDeviceId } from '../../firmware/group.js';
import { changeGroup, deleteGroup, type GroupRequest, refuseAbsent } from '../../firmware/group-changes.js';
import { parseGroup, parseType } from '../../firmware/names.js';
import type { InvocationOf } from '../command.js';
import { printJson } from '../print-json.js';
import { printLines } from '../print-lines.js';
import { argument, withEtcd } from '../with-etcd.js';
import { changeType, refusalError } from './change.js';
import { readGiven } from './given-file.js';

type Order = InvocationOf<typeof firmwareGroupScope>;

/** `sidekick firmware group`: shows which devices are in a group, or changes it. */
export async function groupCommand(order: Order): Promise<number> {
  const name = argument('group', parseGroup(order.args[1]));
  const { add, remove, file, delete: isDeleted } = order.config.values;
  const given = [add.length + remove.length > 0, file !== undefined, isDeleted].filter(Boolean).length;
  if (given > 1) throw new UsageError('group: give --add and --remove, or --file, or --delete');
  if (given === 0) return showGroup(order, name);
  if (isDeleted) return changeType(order, 'group', (state) => deleteGroup(state, name));
  const request: GroupRequest = file === undefined ? { add, remove } : { only: readIds(file) };
  return changeType(order, 'group', (state) => changeGroup(state, name, request));
}

async function showGroup(order: Order, name: string): Promise<number> {
  const type = argument('type', parseType(order.args[0]));
  await withEtcd(order, async ({ store, prefixes, signal }) => {
    const state = await new FirmwareRepository(store, prefixes).type(type, signal);
    const refusal = refuseAbsent(state, name);
    if (refusal !== undefined) throw refusalError(refusal);
    const ids = state.groups.get(name) ?? [];
    if (order.config.values.json) printJson(order.out, { type, group: name, ids });
    else printLines(order.out, ...ids);
  });
  return 0;
}

/** The ids in a file, one a line. Throws a UsageError. */
function readIds(path: string): Group {
  const lines = readGiven('file', path)
    .toString()
    .split(/\r?\n/)
    .map((line) => line.trim());
  return lines.flatMap((line, i) => {
    if (line === '' || line.startsWith('#')) return [];
    const id = parseDeviceId(line);
    if (!id.ok) throw new UsageError(`file: ${path} line ${i + 1}: ${id.reason}`);
    return [id.value];
  });
}
