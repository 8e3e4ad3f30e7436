/** A group as text, in the notation of NGINX's own state files: `server 10.0.0.1:80 weight=5 down;` a line. */
import type { Kind, Parameters } from '../model/server.js';
import * as server from '../model/server.js';

const VALUED = ['weight', 'max_conns', 'max_fails', 'fail_timeout', 'slow_start', 'route'];
const FLAGS = ['backup', 'down', 'drain'];

function line(peer: Parameters): string {
  const values = peer as { [name: string]: string | number | boolean };
  let text = `server ${peer.server}`;
  for (let i = 0; i < VALUED.length; i++) {
    const name = VALUED[i] as string;
    if (values[name] !== undefined && values[name] !== '')
      text += ` ${name}=${encodeURIComponent(values[name] as string | number)}`;
  }
  for (let i = 0; i < FLAGS.length; i++) if (values[FLAGS[i] as string] === true) text += ` ${FLAGS[i]}`;
  return `${text};\n`;
}

export function format(peers: Parameters[]): string {
  return peers.map(line).join('');
}

/** The servers of a state file. A line that makes no sense is reported through `reject` and left out. */
export function parse(text: string, kind: Kind, reject: (line: string) => void): Parameters[] {
  const found: Parameters[] = [];
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

function parseLine(text: string, kind: Kind): Parameters {
  const match = text.match(/^server +([^ ;]+)([^;]*);$/);
  if (match === null) throw new Error('not a server');
  const body: { [name: string]: string | boolean } = { server: match[1] as string };
  const words = (match[2] as string).split(' ').filter((word) => word !== '');
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const equals = word.indexOf('=');
    if (equals < 0) body[word] = true;
    else body[word.substring(0, equals)] = decodeURIComponent(word.substring(equals + 1));
  }
  return server.checkNew(body, kind);
}
