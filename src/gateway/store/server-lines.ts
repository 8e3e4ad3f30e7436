/**
 * The lines of a group's state file, in the notation of NGINX's own state files: `server 10.0.0.1:80 weight=5 down;`. Comments
 * contain what NGINX does not have: the uid of a server, and in the first line the number of the last change.
 */
import type { Kind, Parameters } from '../model/server.js';
import * as server from '../model/server.js';

const VALUED = ['weight', 'max_conns', 'max_fails', 'fail_timeout', 'slow_start', 'route'];
const FLAGS = ['backup', 'down', 'drain'];

/** A server, without its uid and the line break. */
export function serverLine(peer: Parameters): string {
  const values = peer as { [name: string]: string | number | boolean };
  let text = `server ${peer.server}`;
  for (let i = 0; i < VALUED.length; i++) {
    const name = VALUED[i] as string;
    if (values[name] !== undefined && values[name] !== '')
      text += ` ${name}=${encodeURIComponent(values[name] as string | number)}`;
  }
  for (let i = 0; i < FLAGS.length; i++) if (values[FLAGS[i] as string] === true) text += ` ${FLAGS[i]}`;
  return `${text};`;
}

/** A server as a line of a state file. */
export function fileLine(peer: Parameters & { uid: number }): string {
  return `${serverLine(peer)} # ${peer.uid}\n`;
}

/** The highest number that is accepted from a file. Numbers counted on from it stay exact. */
const MAX_NUMBER = 100_000_000_000;

/** Whether a value is a uid or the number of a change. */
export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_NUMBER && Math.floor(value) === value;
}

const HEAD = /^# Servers after change (\d{1,15})\b/;

/** The first line of a state file. */
export function headLine(sequence: number): string {
  return `# Servers after change ${sequence}. Later changes are in the log beside this file.\n`;
}

/** The number of the last change that a state file contains; 0 if it has no such line. */
export function sequence(text: string): number {
  const match = text.substring(0, 64).match(HEAD);
  const number = match === null ? 0 : Number(match[1]);
  return isNumber(number) ? number : 0;
}

/** A server of a state file, with its uid if it has one. */
export interface Line {
  uid?: number;
  parameters: Parameters;
}

/** The servers of a state file. An invalid line is passed to `reject` and left out. */
export function parse(text: string, kind: Kind, reject: (line: string) => void): Line[] {
  const found: Line[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const words = (lines[i] as string).trim();
    if (words === '' || words.charAt(0) === '#') continue;
    try {
      found.push(parseLine(words, kind));
    } catch {
      reject(words);
    }
  }
  return found;
}

function parseLine(text: string, kind: Kind): Line {
  const comment = text.match(/ # (\d{1,12})$/);
  const directive = comment === null ? text : text.substring(0, comment.index);
  const match = directive.match(/^server +([^ ;]+)([^;]*);$/);
  if (match === null) throw new Error('not a server');
  const body: { [name: string]: string | boolean } = { server: match[1] as string };
  const words = (match[2] as string).split(' ').filter((word) => word !== '');
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const equals = word.indexOf('=');
    if (equals < 0) body[word] = true;
    else body[word.substring(0, equals)] = decodeURIComponent(word.substring(equals + 1));
  }
  const parameters = server.checkNew(body, kind);
  const uid = comment === null ? undefined : Number(comment[1]);
  return isNumber(uid) ? { uid: uid, parameters: parameters } : { parameters: parameters };
}
