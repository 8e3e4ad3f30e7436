/** Writes a run into the documents: the tables between their marks, and the plot. */
import { readFile, writeFile } from 'node:fs/promises';
import { fullTables, PLOT, replaceMarked, shortTable } from './markdown.js';
import { plot } from './plot.js';
import type { Report } from './report.js';

const ROOT = new URL('../../../', import.meta.url);
const README = new URL('README.md', ROOT);
const FULL = new URL('docs/benchmarks.md', ROOT);

async function rewrite(file: URL, content: string): Promise<void> {
  await writeFile(file, replaceMarked(await readFile(file, 'utf8'), content));
}

export async function writeDocuments(report: Report): Promise<void> {
  await rewrite(README, shortTable(report));
  await rewrite(FULL, fullTables(report));
  await writeFile(new URL(PLOT, FULL), plot(report.parts.flatMap(({ series }) => series ?? [])));
}
