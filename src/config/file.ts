import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { messageOf, UsageError } from '../core/errors.js';
import { show } from './format.js';

/** Reads a configuration file, YAML or JSON (which YAML includes). An empty file says nothing. */
export function readConfigFile(path: string): object {
  const content = parseContent(path, readText(path));
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new UsageError(`config: ${path} must hold keys and values, got ${show(content)}`);
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
    // The first line says what and where; the rest shows the text.
    const [reason] = String(error instanceof Error ? error.message : error).split(/:?\n/);
    throw new UsageError(`config: ${path} must be YAML or JSON: ${reason}`);
  }
}
