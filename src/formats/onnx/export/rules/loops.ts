// Loops over time as Scan, whose body is a separate graph.
import { at } from "../../../../graph/at.ts";
import type { Node } from "../../../../graph/node.ts";
import { bodyOf, scanAttributes, scanInputs } from "../../../../graph/ops/scanParts.ts";
import type { Draft, TypeProto, ValueInfoProto } from "../../proto/messages.ts";
import { Emitter } from "../emitter.ts";
import { isFixed, type Size } from "../sizes.ts";
import { elementTypeCode } from "../writer.ts";
import { range } from "./movement.ts";
import type { RuleTable } from "./rule.ts";

interface EmittedLoop {
  readonly finals: readonly string[];
  /** Names of the stacks, by the index of the value in the body. */
  readonly stacks: ReadonlyMap<number, string>;
}

const loops = new WeakMap<Emitter, Map<Node, EmittedLoop>>();

/** The loop's results. Unused outputs cost nothing here. */
function emitted(loop: Node, out: Emitter): EmittedLoop {
  let known = loops.get(out);
  if (known === undefined) {
    known = new Map();
    loops.set(out, known);
  }
  const found = known.get(loop) ?? emitLoop(loop, out);
  known.set(loop, found);
  return found;
}

function emitLoop(loop: Node, out: Emitter): EmittedLoop {
  const body = bodyOf(loop);
  const { constants, initial, stacked } = scanInputs(loop);
  const { reverse } = scanAttributes(loop);
  const steps = out.size(loop, ({ steps: count }) => count);
  const inner = new Emitter(out.context, out);
  body.constants.forEach((leaf, place) => {
    inner.define(leaf, out.value(at(constants, place)));
  });
  const named = (leaf: Node, what: string): string => {
    const name = out.writer.names.unique(what);
    inner.define(leaf, name);
    return name;
  };
  const carried = body.carried.map((leaf, place) => info(out, leaf, named(leaf, `state_${place}`)));
  const rows = body.rows.map((leaf, place) => info(out, leaf, named(leaf, `row_${place}`)));
  // A loop without rows still needs one to count its steps.
  const counting = rows.length === 0;
  if (counting) rows.push({ name: out.writer.names.unique("row"), type: typeOf("int32", []) });
  const sequences = counting ? [stepCounter(loop, out, steps)] : stacked.map((input) => out.value(input));
  for (const node of body.order) if (node.op.rule.kind !== "loop") inner.value(node);
  const asked = out.context.stacksOf(loop);
  const result = (node: Node): Draft<ValueInfoProto> => {
    const name = inner.op("Identity", [inner.value(node)]);
    return info(out, node, name);
  };
  const output = [...body.next.map(result), ...asked.map((place) => result(at(body.order, place)))];
  const read = output.map(({ name }) => name ?? "");
  const direction = reverse ? 1 : 0;
  const results = out.ops("Scan", [...initial.map((input) => out.value(input)), ...sequences], output.length, {
    body: {
      graph: {
        name: out.writer.names.unique("step"),
        node: inner.writer.needed(read),
        input: [...carried, ...rows],
        output,
      },
    },
    num_scan_inputs: sequences.length,
    scan_input_directions: sequences.map(() => direction),
    ...(asked.length > 0 ? { scan_output_directions: asked.map(() => direction) } : {}),
  });
  return {
    finals: results.slice(0, body.next.length),
    stacks: new Map(asked.map((place, k) => [place, at(results, body.next.length + k)])),
  };
}

function stepCounter(loop: Node, out: Emitter, steps: Size): string {
  if (isFixed(steps)) return out.constant(range(0, steps), [steps], "int32");
  return out.op("Expand", [out.number(0, "int32"), out.sizeList([steps], loop)]);
}

const typeOf = (dtype: Node["dtype"], shape: readonly Size[]): Draft<TypeProto> => ({
  tensorType: {
    elemType: elementTypeCode(dtype),
    shape: { dim: shape.map((size) => (isFixed(size) ? { dimValue: size } : {})) },
  },
});

const info = (out: Emitter, node: Node, name: string): Draft<ValueInfoProto> => ({
  name,
  type: typeOf(node.dtype, out.shape(node)),
});

const placeOf = (node: Node): number => Number(node.attributes.value);

const found = (node: Node, out: Emitter, name: string | undefined): string => {
  if (name === undefined) throw out.refuse(node, "the loop has no such result");
  return name;
};

export const loopRules: RuleTable = {
  // The loop itself has no value.
  scan: () => "",
  scanStack: (node, out) => found(node, out, emitted(node.inputs[0] as Node, out).stacks.get(placeOf(node))),
  scanFinal: (node, out) => found(node, out, emitted(node.inputs[0] as Node, out).finals[placeOf(node)]),
};
