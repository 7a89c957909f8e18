// The input and output types of the compiler.
import type { Node, Source } from "../graph/node.ts";
import type { Program } from "./kernel.ts";

/** A value the program must produce: returned to the caller, or written into a state cell. */
export interface Output {
  readonly node: Node;
  /** The state cell that takes the value; undefined: a new value. */
  readonly updates?: Source | undefined;
  /** The stage that gives it, of a program that is run in stages. Default: the last. */
  readonly stage?: number;
}

/** What the caller binds to each argument slot. */
export type Slot =
  | { readonly kind: "source"; readonly source: Source }
  /** Output number `output` of the request. */
  | { readonly kind: "output"; readonly output: number };

export interface Compiled {
  readonly program: Program;
  readonly slots: readonly Slot[];
  /** The graph as compiled, after simplification: one node for each requested output. */
  readonly graph: readonly Node[];
  /** The checks that the program makes. */
  readonly checks: readonly Node[];
}
