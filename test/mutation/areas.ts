/** A part of the source whose unit tests must notice a fault in it. */
export interface Area {
  readonly name: string;
  /** What faults are put into. */
  readonly mutate: readonly string[];
  /** The unit tests that have to notice them. */
  readonly tests: readonly string[];
}

/** Pure code, and for each part the tests of its own that must be enough. */
export const AREAS: readonly Area[] = [
  {
    name: 'core',
    mutate: ['src/core/**/*.ts', '!src/core/ports.ts'],
    tests: ['test/unit/core/**/*.test.ts'],
  },
  {
    name: 'gateway',
    mutate: ['src/gateway/model/**/*.ts'],
    tests: ['test/unit/gateway/model/**/*.test.ts'],
  },
];

export function areaOf(name: string | undefined): Area {
  const area = AREAS.find((candidate) => candidate.name === name);
  if (area) return area;
  throw new Error(`no area ${name ?? ''}: there are ${AREAS.map((known) => known.name).join(', ')}`);
}
