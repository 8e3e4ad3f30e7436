import { stringify } from 'yaml';
import {
  isOption,
  type ListOption,
  type Option,
  type Schema,
  type Scope,
  treeOf,
} from '../../config/engine/schema.js';

/** The width of comments, in characters. */
const WIDTH = 100;

/**
 * A configuration file of a command that says of each option what it means. What must be given has an example value; all
 * others are commented out, with their defaults. `# ` begins a text, `#` without a space or with two an option.
 */
export function exampleConfig(name: string, scope: Scope): string {
  const head = [
    `# Configuration of \`sidekick ${name}\`, begun by \`sidekick config init ${name}\`. Check it with`,
    `#   sidekick config check ${name} --config <this file>`,
    '# Options that begin with # are not set. They are shown with their defaults, or with what they take in <>.',
    '',
  ];
  const lists = Object.entries(scope.lists).flatMap(([key, list]) => listLines(key, list));
  return `${[...head, ...groupLines(treeOf(scope), ''), ...lists].join('\n')}`;
}

function groupLines(schema: Schema, indent: string): readonly string[] {
  return Object.entries(schema).flatMap(([name, node]) => {
    if (isOption(node)) return node.onlyForRun ? [] : optionLines(name, node, indent);
    const lines = groupLines(node, `${indent}  `);
    const isNeeded = hasRequired(node);
    return [`${isNeeded ? '' : '#'}${indent}${name}:`, ...lines, ...(indent === '' ? [''] : [])];
  });
}

function optionLines(name: string, option: Option<unknown>, indent: string): readonly string[] {
  const line = `${indent}${name}: ${valueText(option)}`;
  return [...comment(option.doc), option.required ? line : `#${line}`];
}

/** The value as YAML in one line, or what stands for one where there is no default. */
function valueText({ default: value, required, example, type }: Option<unknown>): string {
  const shown = required ? example : value;
  if (shown === null) return type.placeholder || '<boolean>';
  return stringify(shown, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}

function hasRequired(schema: Schema): boolean {
  return Object.values(schema).some((node) => (isOption(node) ? node.required : hasRequired(node)));
}

/** A list, commented out as a whole. */
function listLines(name: string, { doc, entry, inline }: ListOption): readonly string[] {
  const options = Object.entries(entry).filter(([, node]) => !inline || (isOption(node) && node.required));
  const lines = groupLines(Object.fromEntries(options), '    ')
    .filter((line) => line !== '')
    .map((line) => (line.startsWith('#') ? line : `#${line}`));
  const first = lines.findIndex((line) => line.startsWith('#    '));
  const entries = lines.map((line, i) => (i === first ? line.replace('#    ', '#  - ') : line));
  return [...comment(doc), `#${name}:`, ...entries, ''];
}

function comment(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > WIDTH) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
