// Shortens names by removing their common beginning.

/** The least number of letters in a common beginning that is worth replacing by dots. */
const worth = 6;

/** The distinct parts of the names: each without the words that all of them begin with. */
export function apart(names: readonly string[]): readonly string[] {
  const [first = ""] = names;
  let shared = 0;
  while (shared < first.length && names.every((name) => name[shared] === first[shared])) shared++;
  // Between words, so that no word is split.
  while (shared > 0 && !/[\s_.-]/.test(first[shared - 1] ?? "")) shared--;
  return shared < worth || names.length < 2 ? names : names.map((name) => `…${name.slice(shared)}`);
}
