import { readFileSync } from 'node:fs';
import { parse, YAMLError } from 'yaml';
import { messageOf, UsageError } from '../core/errors.js';
import { show } from './format.js';

/** Reads a configuration file, YAML or JSON (which YAML includes). An empty file says nothing. */
export function readConfigFile(path: string): object {
  const content = parseContent(path, readText(path));
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new UsageError(
      `config: ${path} must hold keys and values, got ${typeof content === 'object' ? show(content) : 'only text'}`,
    );
  }
  return content;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`config: must be a file that can be read, got ${show(path)}: ${messageOf(error)}`);
  }
}

function parseContent(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`config: ${path} must be YAML or JSON: ${yamlReason(error)}`);
  }
}

/** What is wrong with a text, and where, without any of the text: there may be secrets in it. */
export function yamlReason(error: unknown): string {
  if (!(error instanceof YAMLError)) return 'it cannot be read as such';
  const [what = ''] = error.message.split(/ at line \d+|["'`:\n]/);
  const at = error.linePos?.[0];
  return `${what.trim()}${at ? ` at line ${at.line}, column ${at.col}` : ''}`;
}
