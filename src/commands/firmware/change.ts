import { flagOf } from '../../config/engine/schema.js';
import type {
  firmwarePauseScope,
  firmwarePromoteScope,
  firmwarePruneScope,
  firmwareResumeScope,
  firmwareRollbackScope,
  firmwareRolloutScope,
} from '../../config/firmware/change.js';
import type { firmwareReportScope } from '../../config/firmware/report.js';
import { defined } from '../../core/defined.js';
import { SidekickError, UsageError } from '../../core/errors.js';
import { FirmwareRepository, type TypeChange } from '../../daemon/firmware/repository.js';
import type { LogEntry, LoggedAction } from '../../firmware/log-entry.js';
import { parseType } from '../../firmware/names.js';
import { type Checked, passed, type Refusal, refused } from '../../firmware/refusal.js';
import type { Author } from '../../firmware/rollout.js';
import {
  beginNextPhase,
  type Change,
  pause,
  promote,
  prunable,
  type RolloutRequest,
  resume,
  rollBack,
  rollOut,
  shadow,
} from '../../firmware/transitions.js';
import type { TypeState } from '../../firmware/type-state.js';
import type { InvocationOf } from '../command.js';
import { printJson } from '../print-json.js';
import { printLines } from '../print-lines.js';
import { argument, operatorName, withEtcd } from '../with-etcd.js';

/** What every command that changes a type is given. */
type Order = Pick<InvocationOf<typeof firmwareReportScope>, 'config' | 'args' | 'sources' | 'out' | 'err'>;

/** What is to be written, and in words. Where that is nothing, the type is as it should be already. */
type Step = Pick<TypeChange, 'rollout' | 'prune' | 'group' | 'deleteGroup'> &
  Pick<LogEntry, 'text' | 'version'>;

/** `sidekick firmware rollout`: offers a release to a part of the devices. */
export function rolloutCommand(order: InvocationOf<typeof firmwareRolloutScope>): Promise<number> {
  const { next, shadow: isShadow } = order.config.values;
  const request = rolloutRequest(order.config.values);
  if (!next && !isShadow) {
    return changeType(order, 'rollout', (state, author) => stepOf(rollOut(state, request, author)));
  }
  const allowed = next ? [] : ['version', 'percent', 'salt'];
  const other = Object.keys(request).find((name) => !allowed.includes(name));
  if (next && isShadow) throw new UsageError('give either --next or --shadow');
  if (other !== undefined) {
    const flag = flagOf(other === 'groups' ? 'group' : other);
    throw new UsageError(`${flag} does not go with --${next ? 'next' : 'shadow'}`);
  }
  if (next) return changeType(order, 'phase', (state, author) => stepOf(beginNextPhase(state, author)));
  return changeType(order, 'rollout', (state, author) => stepOf(shadow(state, request, author)));
}

function rolloutRequest(
  values: InvocationOf<typeof firmwareRolloutScope>['config']['values'],
): RolloutRequest {
  const { version, percent, group: groups, salt, phases, after, notBefore } = values;
  const { every, maxFailures, min, interval, rescue, rate } = values;
  return defined({
    ...{ version, percent, groups, salt, phases, after, notBefore, maxFailures, min, rescue, rate },
    every: seconds(every),
    interval: seconds(interval),
  });
}

/** Whole seconds of a time in ms. */
function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}

/** `sidekick firmware pause`: offers the candidate to nobody any more who has not begun to fetch it. */
export function pauseCommand(order: InvocationOf<typeof firmwarePauseScope>): Promise<number> {
  const { reason } = order.config.values;
  return changeType(order, 'pause', (state, author) => stepOf(pause(state, reason, author)));
}

/** `sidekick firmware resume`: offers a paused candidate again. */
export function resumeCommand(order: InvocationOf<typeof firmwareResumeScope>): Promise<number> {
  const { percent } = order.config.values;
  return changeType(order, 'resume', (state, author) => stepOf(resume(state, percent, author)));
}

/** `sidekick firmware promote`: offers the candidate to every device. */
export function promoteCommand(order: InvocationOf<typeof firmwarePromoteScope>): Promise<number> {
  return changeType(order, 'promote', (state, author) => stepOf(promote(state, author)));
}

/** `sidekick firmware rollback`: withdraws the candidate, or else the stable release. */
export function rollbackCommand(order: InvocationOf<typeof firmwareRollbackScope>): Promise<number> {
  const { downgrade } = order.config.values;
  return changeType(order, 'rollback', (state, author) => stepOf(rollBack(state, downgrade, author)));
}

/** `sidekick firmware prune`: deletes old releases that no rollout names. */
export function pruneCommand(order: InvocationOf<typeof firmwarePruneScope>): Promise<number> {
  const { keep } = order.config.values;
  return changeType(order, 'prune', (state) => {
    const versions = prunable(state, keep);
    if (!versions.ok) return versions;
    const names = versions.value.join(', ');
    if (names === '')
      return refused('keep', `type ${state.type} has no release to delete`, 'give a smaller --keep');
    return passed({ prune: versions.value, text: `deleted ${names}` });
  });
}

function stepOf(change: Checked<Change>): Checked<Step> {
  return change;
}

/** Reads a type, decides, and writes the change in one compare-and-swap. Resolves to the exit code. */
export async function changeType(
  order: Order,
  action: LoggedAction,
  decide: (state: TypeState, author: Author) => Checked<Step>,
): Promise<number> {
  const type = argument('type', parseType(order.args[0]));
  await withEtcd(order, async ({ store, prefixes, signal }) => {
    const repository = new FirmwareRepository(store, prefixes);
    const author = { by: operatorName(order.sources.env), at: new Date().toISOString() };
    const state = await repository.type(type, signal);
    const step = decide(state, author);
    if (!step.ok) throw refusalError(step.refusal);
    const { text, version, ...records } = step.value;
    const entry = defined({ ...author, action, version, text });
    const isChange = Object.keys(records).length > 0;
    const result = isChange
      ? await repository.change(state, { ...records, entry }, signal)
      : { made: true as const, revision: state.revision };
    if (!result.made) throw changedMeanwhile(type, result.by);
    if (order.config.values.json) printJson(order.out, { type, revision: result.revision, ...entry });
    else printLines(order.out, `${type}: ${text}`);
  });
  return 0;
}

/** A refusal as a command ends with it: exit code 1. */
export function refusalError({ code, reason, remedy }: Refusal): SidekickError {
  return new SidekickError(code, `${reason}\n${remedy}`);
}

/** Somebody else changed the type first: exit code 1. */
export function changedMeanwhile(type: string, by: LogEntry | undefined): SidekickError {
  const who = by === undefined ? 'somebody else' : `${by.by} at ${by.at} (${by.action}: ${by.text})`;
  const remedy = `see \`sidekick firmware show ${type}\`, and try again if it is still wanted`;
  return new SidekickError('CHANGED_MEANWHILE', `${type} was changed meanwhile by ${who}\n${remedy}`);
}
