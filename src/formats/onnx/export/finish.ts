// The last pass over the emitted nodes: removes unused ones and names the results.
import { at } from "../../../graph/at.ts";
import type { AttributeProto, Draft, GraphProto, NodeProto, TensorProto } from "../proto/messages.ts";
import type { Emitter } from "./emitter.ts";
import { namesRead } from "./writer.ts";

export interface Finished {
  readonly nodes: readonly Draft<NodeProto>[];
  readonly initializers: readonly Draft<TensorProto>[];
}

export function finished({ writer }: Emitter, results: readonly string[], names: readonly string[]): Finished {
  const made = new Set(writer.nodes.flatMap(({ output }) => output ?? []));
  const renamed = new Map<string, string>();
  const copies: Draft<NodeProto>[] = [];
  results.forEach((result, place) => {
    const name = at(names, place);
    if (made.has(result) && !renamed.has(result)) renamed.set(result, name);
    else
      copies.push({
        opType: "Identity",
        name: writer.names.unique("/Identity"),
        input: [renamed.get(result) ?? result],
        output: [name],
      });
  });
  const kept = writer.needed(results);
  const nodes = [...kept.map((node) => withNames(node, renamed)), ...copies];
  const read = new Set([...nodes.flatMap(namesRead)]);
  return { nodes, initializers: [...writer.initializers.values()].filter(({ name }) => read.has(name ?? "")) };
}

function withNames(node: Draft<NodeProto>, names: ReadonlyMap<string, string>): Draft<NodeProto> {
  const rename = (list: readonly string[] | undefined): string[] => (list ?? []).map((name) => names.get(name) ?? name);
  return {
    ...node,
    input: rename(node.input),
    output: rename(node.output),
    attribute: (node.attribute ?? []).map((one): Draft<AttributeProto> => {
      if (one.g === undefined) return one;
      const graph: Draft<GraphProto> = { ...one.g, node: (one.g.node ?? []).map((inner) => withNames(inner, names)) };
      return { ...one, g: graph };
    }),
  };
}
