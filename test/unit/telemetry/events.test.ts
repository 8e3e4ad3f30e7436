import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EVENTS } from '../../../src/telemetry/events.js';

const SOURCES = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.startsWith('gateway'))
  .map((path) => readFileSync(join('src', path), 'utf8'));

/** What a word must look like that says what happened or what is: a participle, or one of these. */
const PARTICIPLE = /(ed|ing|timed-out|(^|-)un\w+able)$/;
const STATES =
  /(^|-)(begun|written|held|unheld|found|lost|healthy|unhealthy|ready|unready|full|short|local|suspicious|unknown)$/;
const isState = (words: string) => PARTICIPLE.test(words) || STATES.test(words);

/** The events that the code logs, each with the level of the call if that is near. */
const LOGGED = SOURCES.flatMap((text) =>
  [...text.matchAll(/(?:\.(debug|info|warn|error)\(\s*(?:\{ )?|\{\s*)event: '([^']+)'/g)].map(
    ([, level, name = '']) => ({ level, name }),
  ),
);

describe('the table of events', () => {
  const levels = new Map(EVENTS.map(({ name, level }) => [name, level]));

  it('has every event that the code logs', () => {
    expect(LOGGED.length).toBeGreaterThan(50);
    expect(LOGGED.map(({ name }) => name).filter((name) => !levels.has(name))).toEqual([]);
  });

  it('has no event that nothing logs, and none twice', () => {
    const logged = new Set(LOGGED.map(({ name }) => name));
    expect([...levels.keys()].filter((name) => !logged.has(name))).toEqual([]);
    expect(levels.size).toBe(EVENTS.length);
  });

  it('has the level at which the code logs an event', () => {
    const stated = LOGGED.filter(({ level }) => level !== undefined);
    expect(stated.length).toBeGreaterThan(20);
    expect(stated.filter(({ level, name }) => levels.get(name) !== level)).toEqual([]);
  });

  it('finds only literal names: no event has a name that is put together', () => {
    for (const text of SOURCES) expect(text).not.toMatch(/event: `/);
  });

  // docs/glossary.md, "Events": first the thing, then what happened to it, what it does or what it is now.
  it('names events as noun-verb', () => {
    for (const { name } of EVENTS) expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
    const misnamed = EVENTS.map(({ name }) => name.split('-')).filter(
      ([first = '', ...rest]) => isState(first) || !isState(rest.join('-')),
    );
    expect(misnamed).toEqual([]);
  });
});
