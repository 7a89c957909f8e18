// Names where there is little room: what all of them begin with says nothing, and is left out.

/** Letters that a shared beginning has at least, so that leaving it out is worth the dots. */
const worth = 6;

/** How the names differ: each without the words that all of them begin with. */
export function apart(names: readonly string[]): readonly string[] {
  const [first = ""] = names;
  let shared = 0;
  while (shared < first.length && names.every((name) => name[shared] === first[shared])) shared++;
  // Between words, so that none is parted.
  while (shared > 0 && !/[\s_.-]/.test(first[shared - 1] ?? "")) shared--;
  return shared < worth || names.length < 2 ? names : names.map((name) => `…${name.slice(shared)}`);
}
