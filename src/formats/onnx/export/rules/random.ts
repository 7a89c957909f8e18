// Random numbers: ONNX has its own generators, whose numbers differ from hebb's.
import type { Node } from "../../../../graph/node.ts";
import { elementTypes } from "../../elementTypes.ts";
import { isFixed } from "../sizes.ts";
import { float } from "../writer.ts";
import type { Rule, RuleTable } from "./rule.ts";

const randomBits: Rule = (node, out) => {
  if (!out.context.random)
    throw out.refuse(
      node,
      "it draws random numbers, and ONNX cannot draw the same ones; export the model in evaluation mode, or pass { random: true } to let the runtime draw its own",
    );
  out.context.notes.add("The runtime draws random numbers of its own: they differ from hebb's and from run to run.");
  const shape = out.shape(node);
  const range = { low: float(-(2 ** 31)), high: float(2 ** 31 - 128), dtype: elementTypes.float };
  if (shape.every(isFixed)) return out.cast(out.op("RandomUniform", [], { ...range, shape }), "int32");
  const like = out.op("Expand", [out.number(0, "float32"), out.sizeList(shape, node)]);
  return out.cast(out.op("RandomUniformLike", [like], range), "int32");
};

/** −2 ln (1 − u), or −ln (1 − u). */
const logOfRest = (node: Node, out: Parameters<Rule>[1], factor: number): string => {
  const u = out.value(node.inputs[0] as Node);
  const rest = out.op("Sub", [out.number(1, node.dtype), u]);
  return out.op("Mul", [out.op("Log", [rest]), out.number(factor, node.dtype)]);
};

export const randomness: RuleTable = {
  randomBits,
  randomExponential: (node, out) => logOfRest(node, out, -1),
  randomNormal: (node, out) => {
    const angle = out.op("Mul", [out.value(node.inputs[1] as Node), out.number(2 * Math.PI, node.dtype)]);
    return out.op("Mul", [out.op("Sqrt", [logOfRest(node, out, -2)]), out.op("Cos", [angle])]);
  },
};
