// The limits of int32 indices for loops and memory. Exceeding them names the operation before anything is compiled.
import { HebbError } from "../graph/errors.ts";
import { describeType, type Node } from "../graph/node.ts";
import { mostElements, sizeOf } from "../graph/shape.ts";

const place = ({ scope }: Node): string => (scope === "" ? "" : ` (in "${scope}")`);

/** Rejects a value with more elements than int32 indices can address. */
export function checkStored(node: Node): void {
  const size = sizeOf(node.shape);
  if (size > mostElements)
    throw new HebbError(
      `${node.op.name}: ${describeType(node)} has ${size} elements, and a tensor in memory can have at most ${mostElements}; compute it in parts${place(node)}`,
    );
}

/** Rejects a product whose merged rows, columns or sums exceed a loop counter, even if no single dim does. */
export function checkCounted(node: Node): void {
  const { rule } = node.op;
  if (rule.kind !== "contract") return;
  const { batch, m, n, k } = rule.contract(node.attributes, node.inputs);
  for (const dims of [batch, m, n, k]) {
    const count = sizeOf(dims);
    if (count > mostElements)
      throw new HebbError(
        `${node.op.name}: ${node.inputs.map(describeType).join(" with ")} needs ${count} iterations of one loop, and a loop counts to ${mostElements}; compute it in parts${place(node)}`,
      );
  }
}
