// Prints a graph as a program: `%3 = matmul(%1, %2) : f32[32, 10]`. Tests, logs and pages show this text.
import { at } from "./at.ts";
import { shortName } from "./dtype.ts";
import type { AttributeValue, LoopBody, Node, TensorType } from "./node.ts";
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

/** Attributes implied by the type, and the body, which is printed below. */
const implied: ReadonlySet<string> = new Set(["shape", "dtype", "body"]);

/** The bracketed text after the op: attributes that the type does not imply. */
function printAttributes(node: Node): string {
  const entries = Object.entries(node.attributes).filter(([key, value]) => value !== undefined && !implied.has(key));
  return entries.map(([key, value]) => `${key}=${printValue(value)}`).join(", ");
}

/** Every node that the outputs and effects need, one per line, inputs first. The body of a loop is printed below it. */
export function printGraph(outputs: readonly Node[], effects: readonly Node[] = []): string {
  const names = new Map<Node, string>();
  const lines: string[] = [];
  for (const node of topologicalOrder([...outputs, ...effects])) {
    const name = `%${names.size}`;
    names.set(node, name);
    lines.push(...printNode(node, name, names));
  }
  lines.push(`return ${outputs.map((output) => names.get(output)).join(", ")}`);
  return lines.join("\n");
}

function printNode(node: Node, name: string, names: ReadonlyMap<Node, string>): string[] {
  const inside = [...node.inputs.map((input) => names.get(input)), printAttributes(node)]
    .filter((part) => part !== "")
    .join(", ");
  const call = node.source === undefined ? `${node.op.name}(${inside})` : node.source.sourceKind;
  const scope = node.scope === "" ? "" : `  # ${node.scope}`;
  if (node.body === undefined) return [`${name} = ${call} : ${printType(node)}${scope}`];
  return [`${name} = ${call} {${scope}`, ...printBody(node.body, node, name, names).map((line) => `  ${line}`), "}"];
}

/** The values of a step, as `%4.0`, `%4.1`, …, by which results refer to them. */
function printBody(body: LoopBody, { inputs }: Node, loop: string, outside: ReadonlyMap<Node, string>): string[] {
  const names = new Map<Node, string>();
  const leaves = new Map<Node, string>();
  const outer = (place: number): string => outside.get(at(inputs, place)) ?? "?";
  const [first, second] = [body.constants.length, body.constants.length + body.carried.length];
  for (const [place, node] of body.constants.entries()) leaves.set(node, outer(place));
  for (const [place, node] of body.carried.entries()) leaves.set(node, `state ${place}, from ${outer(first + place)}`);
  for (const [place, node] of body.rows.entries()) leaves.set(node, `row t of ${outer(second + place)}`);
  const lines = body.order.flatMap((node) => {
    const name = `${loop}.${names.size}`;
    names.set(node, name);
    const leaf = leaves.get(node);
    return leaf === undefined ? printNode(node, name, names) : [`${name} = ${leaf} : ${printType(node)}`];
  });
  return [...lines, `next ${body.next.map((node) => names.get(node)).join(", ")}`];
}
