// Runs several cases as one program: a compiler takes longer to start than to compile the program of one case.

/** Cases of one program on a device that has a compiler. */
export const casesTogether = 16;

/**
 * What each case gives, by its place. `run` gives it for the cases from one place up to another, `size` of them together. If that
 * fails, the case runs alone, so that the one to blame says so.
 */
export function together<T>(
  size: number,
  run: (from: number, to: number) => Promise<readonly T[]>,
): (place: number) => Promise<T> {
  let last: { readonly from: number; readonly results: Promise<readonly T[]> } | undefined;
  return async (place) => {
    const from = place - (place % size);
    if (last?.from !== from) last = { from, results: run(from, from + size) };
    let results: readonly T[];
    try {
      results = await last.results;
    } catch (error) {
      await run(place, place + 1);
      throw error;
    }
    const result = results[place - from];
    if (result === undefined) throw new Error(`case ${place} has no result`);
    return result;
  };
}
