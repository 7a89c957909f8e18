// A graph as a program: `%3 = matmul(%1, %2) : f32[32, 10]`. Tests, logs and pages show this same text.
import { shortName } from "./dtype.ts";
import type { AttributeValue, Node, TensorType } from "./node.ts";
import { formatShape } from "./shape.ts";
import { topologicalOrder } from "./walk.ts";

export const printType = (type: TensorType): string => `${shortName(type.dtype)}${formatShape(type.shape)}`;

function printValue(value: AttributeValue): string {
  if (Array.isArray(value)) return `[${value.map(printValue).join(", ")}]`;
  if (typeof value === "number" && Object.is(value, -0)) return "-0";
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([key, part]) => `${key}: ${printValue(part)}`)
      .join(", ")}}`;
  return String(value);
}

/** The text in brackets after the op: attributes that the type does not imply. */
function printAttributes(node: Node): string {
  const entries = Object.entries(node.attributes).filter(
    ([key, value]) => value !== undefined && key !== "shape" && key !== "dtype",
  );
  return entries.map(([key, value]) => `${key}=${printValue(value)}`).join(", ");
}

/** Every node that the outputs and the effects need, one line each, inputs first. */
export function printGraph(outputs: readonly Node[], effects: readonly Node[] = []): string {
  const names = new Map<Node, string>();
  const lines: string[] = [];
  for (const node of topologicalOrder([...outputs, ...effects])) {
    const name = `%${names.size}`;
    names.set(node, name);
    const inside = [...node.inputs.map((input) => names.get(input)), printAttributes(node)]
      .filter((part) => part !== "")
      .join(", ");
    const call = node.source === undefined ? `${node.op.name}(${inside})` : node.source.sourceKind;
    lines.push(`${name} = ${call} : ${printType(node)}${node.scope === "" ? "" : `  # ${node.scope}`}`);
  }
  lines.push(`return ${outputs.map((output) => names.get(output)).join(", ")}`);
  return lines.join("\n");
}
