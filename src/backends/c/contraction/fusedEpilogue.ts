// The epilogue of a contraction inside its tiles: a short one runs while the sums are still in registers.

import type { ContractionKernel } from "../../../compiler/kernel.ts";
import { InternalError } from "../../../graph/errors.ts";
import type { Axis } from "../../../graph/scalar.ts";
import { type Dependence, isHeavy } from "../../analysis/cost.ts";
import type { Step } from "../../analysis/steps.ts";
import { type Linear, linearKey, operands, type Value } from "../../analysis/values.ts";
import type { Plan } from "../../contraction/plan.ts";
import { type Code, code, joined, print } from "../code.ts";
import { elementType } from "../emitter.ts";
import { Expressions } from "../expressions.ts";
import { Statements } from "../statements.ts";
import type { TileSums } from "./tile.ts";

export interface FusedEpilogue {
  /** Declares `places`: the addresses that the epilogue reads and writes for the tile at (r, c). */
  places(): Code;
  /** The statements that consume a tile's sums; they use the operand `places`. */
  text(tile: TileSums): string;
}

/** A fused epilogue is unrolled for every vector of a tile. With more operations, a loop is better. */
const mostOperations = 12;
const mostPlaces = 8;

/** Undefined if the epilogue is long, or uses the row or column index. */
export function fusedEpilogueOf(
  e: Expressions,
  {
    kernel,
    plan,
    steps,
    dependence,
  }: {
    readonly kernel: ContractionKernel;
    readonly plan: Plan;
    readonly steps: readonly Step[];
    readonly dependence: Dependence;
  },
): FusedEpilogue | undefined {
  if (plan.epilogueLanes !== "n" || !isShort(steps)) return undefined;
  const { m: row, n: column } = plan;
  const places: Place[] = [];
  const write = (tile: TileSums): string => {
    const inTile = new TileExpressions(e, [row, column], places);
    const statements = new Statements(inTile, dependence, tile.lanes, false, [kernel.result.id]);
    for (let vector = 0; vector < tile.vectors; vector++) {
      const mask = vector === tile.vectors - 1 && tile.mask ? "mask" : undefined;
      inTile.withLanes(column, tile.lanesOf(vector), `${vector * tile.lanes}`, mask, () => {
        statements.hoist(steps, [row]);
        for (let at = 0; at < tile.height; at++)
          inTile.scope(() => {
            inTile.bindAxis(row, `${at}`);
            inTile.bindLocal(kernel.result, tile.sum(at, vector), true);
            statements.emitSteps(steps);
          });
      });
    }
    return print(inTile.body(), () => {
      throw new InternalError("a tile has its places as operands, and no address");
    });
  };
  // Written once for any tile, to count the places. Other tiles may add places until `places` is called.
  write({ lanes: plan.lanes, height: 1, vectors: 1, mask: false, lanesOf: () => plan.lanes, sum: () => "" });
  if (places.length > mostPlaces) return undefined;
  return {
    text: write,
    places() {
      let text: Code = [];
      e.scope(() => {
        e.bindAxis(row, `(r * ${plan.mr})`);
        e.bindAxis(column, `(c * ${plan.nr})`);
        text = joined(
          places.map(({ buffer, index }) => code`(char *)(${e.at(buffer, index)})`),
          ", ",
        );
      });
      return code`char *const places[] = {${text}};`;
    },
  };
}

interface Place {
  readonly key: string;
  readonly buffer: number;
  readonly index: Linear;
}

/** Addresses elements through operands of the tile, so that kernels can share a tile function. */
class TileExpressions extends Expressions {
  private readonly within: readonly Axis[];
  private readonly places: Place[];

  constructor(outside: Expressions, within: readonly Axis[], places: Place[]) {
    super(outside.context, outside.values);
    this.within = within;
    this.places = places;
  }

  override at(buffer: number, index: Linear): Code {
    const key = `${buffer}:${linearKey(index)}`;
    const known = this.places.findIndex((place) => place.key === key);
    const place = known >= 0 ? known : this.places.push({ key, buffer, index }) - 1;
    const terms = index.terms.filter(({ atom }) => atom.kind === "axis" && this.within.includes(atom.axis));
    return code`e${place} + (${this.index({ ...index, terms, constant: 0 })})`;
  }

  override body(): Code {
    const pointers = this.places.map(({ buffer }, place) => {
      const type = elementType[this.context.buffer(buffer).dtype];
      return `  ${type} *const e${place} = (${type} *)places[${place}];\n`;
    });
    return code`${pointers.join("")}${this.out.text()}\n`;
  }
}

/** Whether there are only stores, of few operations, at indices that are linear in the row and the column. */
function isShort(steps: readonly Step[]): boolean {
  const even = ({ terms }: Linear): boolean => terms.every(({ atom }) => atom.kind === "axis");
  const seen = new Set<Value>();
  let operations = 0;
  const fits = (value: Value): boolean => {
    if (seen.has(value)) return true;
    seen.add(value);
    switch (value.kind) {
      case "const":
      case "local":
        return true;
      case "load":
        return !value.unsafe && even(value.index);
      case "axis":
      case "guard":
        return false;
      default:
        operations++;
        return operations <= mostOperations && !isHeavy(value) && !value.unsafe && operands(value).every(fits);
    }
  };
  return steps.every((step) =>
    step.kind === "store"
      ? !step.accumulate && even(step.index) && fits(step.value)
      : step.kind === "force" && fits(step.value),
  );
}
