// Formulas as small trees: the same tree is typeset with symbols and with the engine's numbers in their places.

/** A symbol with its layer above and its unit below: w₂₁⁽²⁾. */
export interface Sign {
  readonly letter: string;
  readonly sub?: string;
  readonly sup?: string;
  readonly accent?: "ˆ" | "˜";
  readonly prime?: boolean;
}

/** A number of the engine; `at` identifies it everywhere. */
export interface Leaf {
  readonly kind: "leaf";
  readonly sign: Sign;
  readonly value: number;
  readonly at: string | undefined;
}

export type Expr =
  | Leaf
  /** The same in symbols and in numbers: operators, constants, names of functions. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "row"; readonly parts: readonly Expr[] }
  | { readonly kind: "fraction"; readonly over: Expr; readonly under: Expr }
  | { readonly kind: "root"; readonly of: Expr }
  | { readonly kind: "power"; readonly of: Expr; readonly to: Expr }
  /** A part that is highlighted at its term. */
  | { readonly kind: "term"; readonly place: number; readonly of: Expr }
  /** A slope: ∂L over its variable. In numbers the slope itself. */
  | { readonly kind: "slope"; readonly by: Sign; readonly leaf: Leaf }
  /** An expression in symbols that is a single number. */
  | { readonly kind: "slot"; readonly symbols: Expr; readonly number: Leaf };

export interface Formula {
  readonly result: Leaf | Extract<Expr, { kind: "slope" }>;
  readonly of: Expr;
  /** The term at which the result appears. */
  readonly done: number;
}

export interface Explanation {
  readonly sentence: string;
  readonly formulas: readonly Formula[];
  /** The number of terms highlighted one after the other; the result appears with the last. */
  readonly terms: number;
  /** A slope found by changing the weight a little, and whether it agrees. */
  readonly check?: { readonly difference: number; readonly tick: number };
}

export const text = (value: string): Expr => ({ kind: "text", text: value });
export const row = (...parts: readonly Expr[]): Expr => ({ kind: "row", parts });
export const fraction = (over: Expr, under: Expr): Expr => ({ kind: "fraction", over, under });
export const root = (of: Expr): Expr => ({ kind: "root", of });
export const power = (of: Expr, to: Expr): Expr => ({ kind: "power", of, to });
export const term = (place: number, of: Expr): Expr => ({ kind: "term", place, of });
export const leaf = (sign: Sign, value: number | undefined, at?: string): Leaf => ({
  kind: "leaf",
  sign,
  value: value ?? Number.NaN,
  at,
});
export const slopeBy = (by: Sign, value: number | undefined, at?: string): Extract<Expr, { kind: "slope" }> => ({
  kind: "slope",
  by,
  leaf: leaf({ letter: "∂" }, value, at),
});

/** The most terms written out; of more, those around the current one. */
const mostTerms = 9;

/** A sum of terms, the first with number `from`: all of a few, of many those around `now`. */
export function sum(count: number, now: number, make: (k: number) => Expr, from = 0): Expr {
  const first =
    count <= mostTerms ? 0 : Math.max(0, Math.min(count - mostTerms, now - from - Math.floor(mostTerms / 2)));
  const last = Math.min(count, first + mostTerms);
  const parts: Expr[] = [];
  if (first > 0) parts.push(text("⋯"));
  for (let k = first; k < last; k++) {
    if (parts.length > 0) parts.push(text("+"));
    parts.push(term(from + k, make(k)));
  }
  if (last < count) parts.push(text("+"), text("⋯"));
  return row(...parts);
}
