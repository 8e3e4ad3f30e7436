import { readFileSync } from 'node:fs';
import { messageOf, UsageError } from '../../core/errors.js';
import { show } from './redact.js';
import { parseYaml } from './yaml.js';

/** Reads a configuration file, YAML or JSON. An empty file has no keys. Throws a UsageError. */
export function readConfigFile(path: string): object {
  const parsed = parseYaml(readText(path));
  if (!parsed.ok) throw new UsageError(`config: ${path} must be YAML or JSON: ${parsed.reason}`);
  const content = parsed.value;
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
