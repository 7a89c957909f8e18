// "Did you mean …?": the nearest of a list of names.

/** The number of insertions, deletions and replacements between two words (Levenshtein distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, place) => place);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** Ignores case, underscores and hyphens: `label_smoothing` and `labelSmoothing` are equal. */
const plain = (word: string): string => word.toLowerCase().replace(/[_\-\s]/g, "");

/** The nearest name, if at most a third of its letters differ. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const wanted = plain(word);
  const ranked = names.map((name) => ({ name, far: distance(wanted, plain(name)) })).sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best !== undefined && best.far <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}
