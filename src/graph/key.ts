// Text keys that are equal for equal attributes and for graphs of equal structure: to merge nodes and to look up compiled programs.
import type { Attributes, AttributeValue, Node } from "./node.ts";

/** Attributes as text; equal attributes give equal text. Unlike JSON, it distinguishes -0, NaN and the infinities. */
export function attributesKey(attributes: Attributes): string {
  let text = "";
  for (const name in attributes) text += `${name}:${attributeKey(attributes[name])};`;
  return text;
}

function attributeKey(value: AttributeValue): string {
  switch (typeof value) {
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "string":
      return JSON.stringify(value);
    case "object":
      if (value === null) return "null";
      return isList(value) ? `[${value.map(attributeKey).join()}]` : `{${attributesKey(value)}}`;
    default:
      return String(value);
  }
}

const isList = (value: object): value is readonly AttributeValue[] => Array.isArray(value);

/** A key for a node's computation, given ids for its inputs. */
export function nodeKey(node: Node, numberOf: (input: Node) => number | undefined): string {
  let text = `${node.op.name}${attributesKey(node.attributes)}${node.dtype}[${node.shape.join(",")}]`;
  for (const input of node.inputs) text += `,${numberOf(input)}`;
  return text;
}
