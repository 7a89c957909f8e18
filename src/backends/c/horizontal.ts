// Combines the lanes of one vector into one element, always in the same order.
import type { ElementType } from "../../graph/dtype.ts";
import type { Combine } from "../../graph/node.ts";
import { combineFn } from "../analysis/combine.ts";
import type { EmitContext } from "./emitter.ts";
import { needLanes, scalarType, vectorType } from "./lanes.ts";
import { scalarBinary } from "./operations.ts";

/** Emits `sum_F16(v)` and the like; for masks `max_M16(m)`. */
export function needReduction(context: EmitContext, combine: Combine, dtype: ElementType, lanes: number): void {
  needLanes(context, lanes);
  const type = vectorType(dtype, lanes);
  const isMask = dtype === "bool";
  const name = `${combine}_${isMask ? `M${lanes}` : type}`;
  context.helper(name, () => {
    const element = scalarType(dtype);
    // Combines halves until one lane is left: a tree order.
    let body = `${element} a[${lanes}];\n  for (int l = 0; l < ${lanes}; l++) a[l] = ${isMask ? "-v[l]" : "v[l]"};\n`;
    for (let half = lanes / 2; half >= 1; half /= 2) {
      const sum = scalarBinary(context, combineFn[combine], dtype, "a[l]", `a[l + ${half}]`);
      body += `  for (int l = 0; l < ${half}; l++) a[l] = ${sum};\n`;
    }
    return `static inline ${element} ${name}(${type} v) {\n  ${body}  return a[0];\n}\n`;
  });
}
