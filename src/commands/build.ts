import { readFileSync } from 'node:fs';

/** Which build of sidekick runs. */
export interface Build {
  readonly version: string;
  /** The commit of the sources, with `-dirty` if they had changes; undefined if they were no git checkout. */
  readonly commit?: string;
  /** When it was built, as an ISO date; undefined if it runs from its sources. */
  readonly builtAt?: string;
}

/**
 * Reads what `npm run build` has written.
 * @param main The URL of the program's entry point.
 */
export function readBuild(main: string): Build {
  const { version } = readJson(new URL('../package.json', main)) as { version: string };
  return { version, ...(readJson(new URL('build.json', main)) as Omit<Build, 'version'>) };
}

/** A file beside the code; empty if there is none, as beside the sources. */
function readJson(url: URL): object {
  try {
    return JSON.parse(readFileSync(url, 'utf8')) as object;
  } catch {
    return {};
  }
}

/** One line, such as `sidekick 0.1.0 (commit 1a2b3c4d5e6f, built 2026-11-27T10:00:00Z)`. */
export function buildText({ version, commit, builtAt }: Build): string {
  if (builtAt === undefined) return `sidekick ${version} (run from its sources)`;
  const from = commit === undefined ? 'not from a git checkout' : `commit ${shortCommit(commit)}`;
  return `sidekick ${version} (${from}, built ${builtAt})`;
}

function shortCommit(commit: string): string {
  return commit.replace(/^([0-9a-f]{12})[0-9a-f]*/, '$1');
}
