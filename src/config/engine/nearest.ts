/** How many edits make one name of another by a slip: one for every three letters of the shorter name, and at most three. */
function allowedEdits(a: string, b: string): number {
  return Math.min(3, Math.floor(Math.min(a.length, b.length) / 3));
}

/**
 * The word of `known` that was most likely meant by a misspelt one; undefined if none is near. Case does not count. A prefix
 * that all names share must be cut off before: its letters would allow edits in the others.
 */
export function nearest(misspelt: string, known: Iterable<string>): string | undefined {
  const word = misspelt.toLowerCase();
  // Longer than any name, and too expensive to compare.
  if (word.length > 100) return undefined;
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    const distance = editDistance(word, other);
    if (distance < least && distance <= allowedEdits(word, other)) [best, least] = [candidate, distance];
  }
  return best;
}

/** The fewest letters to add, drop, change or swap with their neighbour (the restricted Damerau–Levenshtein distance). */
function editDistance(a: string, b: string): number {
  let twoBack: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(previous, j) + 1,
        at(row, j - 1) + 1,
        at(previous, j - 1) + change,
        swapped ? at(twoBack, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [twoBack, previous] = [previous, row];
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
