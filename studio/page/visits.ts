// The browser's history: Back and Forward step through the states, with one entry for each change, not for each tick of a slider.
import type { OwnData } from "../shared/protocol.ts";
import { printHash, type StudioState } from "../shared/state.ts";

/** Whether a change begins an entry or belongs to the current one. */
export type Entry = "new" | "same";

/** Milliseconds within which the same control continues its change. */
const oneMove = 1500;
let last = { keys: "", at: Number.NEGATIVE_INFINITY };

/** Transient view fields, which need no way back. */
const passing: ReadonlySet<string> = new Set([
  ...["selected", "speed", "step", "term", "row"],
  ...["prompt", "temperature", "topK", "head"],
]);

/** A change by the same control, shortly afterwards, continues the entry that it began. */
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

/** The entries of this page. They contain the address; the visitor's own data stays in this page's memory, by number. */
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

  /** The number of this page's entries before the current one. */
  get depth(): number {
    return Math.max(0, placeOf(history.state, "studio"));
  }

  /** Stores the current state in the current entry. */
  show(state: StudioState, own: OwnData | undefined): void {
    history.replaceState(...this.#entry(state, own, this.depth));
  }

  /** Stores the state that is being left, and begins a new entry for what follows. */
  leave(state: StudioState, own: OwnData | undefined): void {
    this.show(state, own);
    history.pushState(...this.#entry(state, own, this.depth + 1));
  }

  /** The data that belongs to an entry; undefined if it is not one of this page's. */
  arrive(entry: unknown): { readonly own: OwnData | undefined } | undefined {
    last = { keys: "", at: Number.NEGATIVE_INFINITY };
    return placeOf(entry, "studio") < 0 ? undefined : { own: this.#own[placeOf(entry, "own")] };
  }
}
