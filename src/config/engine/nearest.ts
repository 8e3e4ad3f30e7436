/** Changes in a row of letters that still look like a slip: one in three, at least one and at most three. */
function slips(word: string): number {
  return Math.min(3, Math.max(1, Math.floor(word.length / 3)));
}

/** The word of `known` that was most likely meant by a misspelt one; undefined where none is near. Case does not count. */
export function nearest(misspelt: string, known: Iterable<string>): string | undefined {
  const word = misspelt.toLowerCase();
  let best: string | undefined;
  let least = slips(word) + 1;
  // Longer than any name: it is none, and not worth the comparing.
  if (word.length > 100) return undefined;
  for (const candidate of known) {
    const distance = editDistance(word, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
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
