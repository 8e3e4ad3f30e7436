/** Reads unit files. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of a file in `units/`. */
export function unitPath(name: string): string {
  return fileURLToPath(new URL(`../../../units/${name}`, import.meta.url));
}

/** The settings of a unit, in order: `Section.Name` and its value. Comments are left out. */
export function settingsOf(name: string): readonly (readonly [key: string, value: string])[] {
  let section = '';
  const settings: (readonly [string, string])[] = [];
  for (const line of readFileSync(unitPath(name), 'utf8').split('\n')) {
    const heading = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (heading) section = heading;
    else if (key !== undefined && value !== undefined) settings.push([`${section}.${key}`, value]);
  }
  return settings;
}

/** The words of a setting that may be given several times. */
export function wordsOf(name: string, key: string): string[] {
  return settingsOf(name)
    .filter(([found]) => found === key)
    .flatMap(([, value]) => value.split(/\s+/));
}
