// The stages of a kernel: the nodes that fusion puts into it, and the size limit that keeps kernels compilable.
import type { Combine, Node } from "../graph/node.ts";
import { type Local, operandsOf, type Scalar } from "../graph/scalar.ts";
import { visitScalar } from "./indexing.ts";

/** One realised node inside a kernel. */
export interface Stage {
  readonly node: Node;
  readonly local: Local;
  /** "full": one value per point of all axes. "row": one per point of the outer axes. */
  readonly level: "full" | "row";
  /** The index of the value in a tensor of the node's shape, in terms of the group's axes. */
  readonly index: readonly Scalar[];
  readonly value: Scalar;
  /** Set for reductions: the value is combined over the inner axes. */
  readonly combine?: Combine;
}

/** Several times as many as layers, losses and optimizers fuse to. */
const mostStages = 256;
const mostExpressions = 4096;
/** Longest chain of dependent operations. */
const mostLevels = 256;

/** Emitters may unroll reductions of up to this many elements. */
const writtenOut = 16;

export class Stages {
  readonly all: Stage[] = [];
  /** Cats of which the kernel computes a part: they are complete only after it. */
  readonly unfinished = new Set<Node>();
  readonly #byNode = new Map<Node, Stage>();
  readonly #levels = new Map<Scalar, number>();
  readonly #levelOfLocal = new Map<number, number>();
  readonly #counted = new Set<Scalar>();

  of(node: Node): Stage | undefined {
    return this.#byNode.get(node);
  }

  get isFull(): boolean {
    return this.all.length >= mostStages || this.#counted.size >= mostExpressions;
  }

  /**
   * Adds a stage, unless the chain of operations that ends in it is too long; the first is always accepted. `reduced`: the number of
   * elements that a reduction combines. `whole`: the cat it is a part of.
   */
  add(stage: Stage, reduced = 1, whole?: Node): boolean {
    const written = reduced <= writtenOut;
    const level = this.#levelOf(stage.value) + (written ? reduced - 1 : 0);
    if (this.all.length > 0 && level > mostLevels) return false;
    // The result of a loop is available like a value in memory.
    this.#levelOfLocal.set(stage.local.id, written ? level : 0);
    this.all.push(stage);
    this.#byNode.set(stage.node, stage);
    if (whole !== undefined) this.unfinished.add(whole);
    return true;
  }

  #levelOf(value: Scalar): number {
    const levels = this.#levels;
    const levelOfLocal = this.#levelOfLocal;
    const counted = this.#counted;
    const count = (scalar: Scalar): void => {
      let below = scalar.kind === "local" ? (levelOfLocal.get(scalar.local.id) ?? 0) : 0;
      for (const operand of operandsOf(scalar)) below = Math.max(below, levels.get(operand) ?? 0);
      levels.set(scalar, scalar.kind === "local" ? below : below + 1);
    };
    visitScalar(value, count, counted);
    return levels.get(value) ?? 0;
  }
}
