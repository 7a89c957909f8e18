// The input and output types of the compiler.
import type { Node, Source } from "../graph/node.ts";
import type { Program } from "./kernel.ts";

/** A value the program must produce: returned to the caller, or written into a state cell. */
export interface Output {
  readonly node: Node;
  /** The state cell to update; undefined: a new value. */
  readonly updates?: Source | undefined;
  /** The stage that produces it, in a staged program. Default: the last. */
  readonly stage?: number;
}

/** The binding of each argument slot. */
export type Slot =
  | { readonly kind: "source"; readonly source: Source }
  /** Output number `output` of the request. */
  | { readonly kind: "output"; readonly output: number };

export interface Compiled {
  readonly program: Program;
  readonly slots: readonly Slot[];
  /** The graph after simplification: one node per requested output. */
  readonly graph: readonly Node[];
  /** The checks in the program. */
  readonly checks: readonly Node[];
}
