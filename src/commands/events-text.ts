import type { JournaledEvent } from '../telemetry/event-journal.js';

/** The fields that say what an event is about, in the order in which they are printed. */
const SUBJECT = ['nginx', 'upstream', 'service', 'address', 'addresses', 'key', 'changes'] as const;

/** An event in one line: when, what, about which server, and why. */
export function eventText(event: JournaledEvent): string {
  const parts = [event.time, event.event, ...SUBJECT.flatMap((name) => fieldText(event, name))];
  return [parts.join(' '), ...reasons(event)].join(': ');
}

function fieldText(event: JournaledEvent, name: (typeof SUBJECT)[number]): string[] {
  const value = event[name];
  if (value === undefined) return [];
  if (name === 'upstream') return [`${textOf(event.kind)}/${textOf(value)}`];
  if (Array.isArray(value)) {
    const { count } = event;
    const more = typeof count === 'number' && count > value.length ? ` (${count} in all)` : '';
    return [`${value.join(', ')}${more}`];
  }
  if (typeof value !== 'object' || value === null) return [textOf(value)];
  return Object.entries(value).map(([field, to]) => `${field}=${textOf(to)}`);
}

/** Why it was done, and what came of it (why NGINX did not do it); where neither is known, the message of the log line. */
function reasons({ because, reason, message }: JournaledEvent): string[] {
  if (typeof because !== 'string') return [typeof reason === 'string' ? reason : message];
  return [typeof reason === 'string' ? `${because} (${reason})` : because];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
