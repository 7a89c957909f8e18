// The browser's history: Back and Forward walk the states, one entry for each change and not for each tick of a slider.
import type { OwnData } from "../shared/protocol.ts";
import { printHash, type StudioState } from "../shared/state.ts";

/** Whether a change begins an entry, or belongs to the present one. */
export type Entry = "new" | "same";

/** Milliseconds within which the same control goes on with its change. */
const oneMove = 1500;
let last = { keys: "", at: Number.NEGATIVE_INFINITY };

/** Fields that are looked at in passing: no way back is needed. */
const passing: ReadonlySet<string> = new Set([
  ...["selected", "speed", "step", "term", "row"],
  ...["prompt", "temperature", "topK", "head"],
]);

/** The same control again, soon after, goes on with the entry that it began. */
export function entryFor(patch: object): Entry {
  const names = Object.keys(patch).filter((key) => !passing.has(key));
  if (names.length === 0) return "same";
  const [keys, at] = [names.join(), performance.now()];
  const goesOn = keys === last.keys && at - last.at < oneMove;
  last = { keys, at };
  return goesOn ? "same" : "new";
}

const placeOf = (entry: unknown, name: "studio" | "own"): number => {
  const value: unknown = typeof entry === "object" && entry !== null ? Reflect.get(entry, name) : undefined;
  return typeof value === "number" ? value : -1;
};

/** The entries of this page. They hold the address; data of the visitor's own stay in this page's memory, by number. */
export class Visits {
  readonly #own: OwnData[] = [];

  #numberOf(own: OwnData | undefined): number {
    if (own === undefined) return -1;
    const known = this.#own.indexOf(own);
    return known >= 0 ? known : this.#own.push(own) - 1;
  }

  #entry(state: StudioState, own: OwnData | undefined, depth: number): [unknown, string, string] {
    const hash = printHash(state);
    const address = `${location.pathname}${location.search}${hash === "" ? "" : `#${hash}`}`;
    return [{ studio: depth, own: this.#numberOf(own) }, "", address];
  }

  /** How many entries of this page lie before the present one. */
  get depth(): number {
    return Math.max(0, placeOf(history.state, "studio"));
  }

  /** The present state, in the present entry. */
  show(state: StudioState, own: OwnData | undefined): void {
    history.replaceState(...this.#entry(state, own, this.depth));
  }

  /** The state as it is left, and a new entry for what follows. */
  leave(state: StudioState, own: OwnData | undefined): void {
    this.show(state, own);
    history.pushState(...this.#entry(state, own, this.depth + 1));
  }

  /** What an entry that was gone to belongs with; undefined where it is none of this page's. */
  arrive(entry: unknown): { readonly own: OwnData | undefined } | undefined {
    last = { keys: "", at: Number.NEGATIVE_INFINITY };
    return placeOf(entry, "studio") < 0 ? undefined : { own: this.#own[placeOf(entry, "own")] };
  }
}
