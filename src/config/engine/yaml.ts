import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { err, ok, type Result } from '../../core/result.js';

const require = createRequire(import.meta.url);

/**
 * Reads YAML, or JSON, which YAML includes. The reason of a failure says what is wrong and where, and quotes nothing:
 * there may be secrets in the text. The package is loaded on first use, because most command lines have no YAML in them.
 */
export function parseYaml(text: string): Result<unknown> {
  const { parse, YAMLError } = require('yaml') as typeof Yaml;
  try {
    return ok(parse(text));
  } catch (error) {
    return err(error instanceof YAMLError ? reasonOf(error) : 'it cannot be read as such');
  }
}

function reasonOf({ message, linePos }: Yaml.YAMLError): string {
  const [what = ''] = message.split(/ at line \d+|["'`:\n]/);
  const at = linePos?.[0];
  return `${what.trim()}${at ? ` at line ${at.line}, column ${at.col}` : ''}`;
}
