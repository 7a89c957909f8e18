// LSTM, GRU and RNN as ONNX operators. The weights keep PyTorch's names and layout; the file reorders their gates for ONNX.
import { at } from "../../../../graph/at.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import type { Attributes } from "../writer.ts";
import type { CompositeRules, Emission } from "./rule.ts";

interface Layer {
  readonly type: "LSTM" | "GRU" | "RNN";
  /** The index of each ONNX gate among PyTorch's. */
  readonly gates: readonly number[];
  readonly x: Node;
  readonly weights: readonly [ih: Node, hh: Node, biasIh: Node | undefined, biasHh: Node | undefined];
  readonly states: readonly Node[];
  readonly lengths: Node | undefined;
  readonly hiddenSize: number;
  readonly reverse: boolean;
  readonly attributes?: Attributes;
}

/** Reorders the rows of the gates. */
function reordered(out: Emitter, weight: Node, { gates, hiddenSize }: Layer): string {
  const name = out.value(weight);
  if (gates.every((gate, place) => gate === place)) return name;
  const sizes = out.writer.ints(gates.map(() => hiddenSize));
  const own = out.ops("Split", [name, sizes], gates.length, { axis: 0 });
  const parts = gates.map((gate) => at(own, gate));
  return out.op("Concat", parts, { axis: 0 });
}

function recurrent(out: Emitter, layer: Layer): Emission | undefined {
  const { type, x, weights, states, lengths, hiddenSize, reverse, gates } = layer;
  const [ih, hh, biasIh, biasHh] = weights;
  const floats = [x, ih, hh, biasIh, biasHh, ...states];
  if (floats.some((input) => input !== undefined && input.dtype !== "float32")) return undefined;
  if (lengths !== undefined && lengths.dtype !== "int32") return undefined;
  return () => {
    const first = out.writer.ints([0]);
    const ofDirection = (name: string): string => out.op("Unsqueeze", [name, first]);
    const zeros = (): string =>
      out.constant(new Float32Array(gates.length * hiddenSize), [gates.length * hiddenSize], "float32");
    const bias = (given: Node | undefined): string => (given === undefined ? zeros() : reordered(out, given, layer));
    const biases =
      biasIh === undefined && biasHh === undefined
        ? ""
        : ofDirection(out.op("Concat", [bias(biasIh), bias(biasHh)], { axis: 0 }));
    const inputs = [
      out.value(x),
      ofDirection(reordered(out, ih, layer)),
      ofDirection(reordered(out, hh, layer)),
      biases,
      lengths === undefined ? "" : out.value(lengths),
      ...states.map((state) => ofDirection(out.value(state))),
    ];
    const results = out.ops(type, inputs, states.length + 1, {
      hidden_size: hiddenSize,
      direction: reverse ? "reverse" : "forward",
      ...layer.attributes,
    });
    // [T, 1, N, size] and [1, N, size].
    const output = out.op("Squeeze", [at(results, 0), out.writer.ints([1])]);
    return [output, ...results.slice(1).map((state) => out.op("Squeeze", [state, first]))];
  };
}

export const recurrentLayers: CompositeRules = {
  lstm: ({ composite: { inputs, attributes }, out }) => {
    const [x, ih, hh, biasIh, biasHh, hidden, cell, lengths] = inputs;
    const { hiddenSize, reverse, projSize } = attributes;
    if (projSize > 0) return undefined;
    const states = [hidden, cell];
    // i, f, g, o in PyTorch; i, o, f, c in ONNX.
    const gates = [0, 3, 1, 2];
    return recurrent(out, {
      type: "LSTM",
      gates,
      x,
      weights: [ih, hh, biasIh, biasHh],
      states,
      lengths,
      hiddenSize,
      reverse,
    });
  },
  gru: ({ composite: { inputs, attributes }, out }) => {
    const [x, ih, hh, biasIh, biasHh, hidden, lengths] = inputs;
    return recurrent(out, {
      type: "GRU",
      // r, z, n in PyTorch; z, r, h in ONNX.
      gates: [1, 0, 2],
      x,
      weights: [ih, hh, biasIh, biasHh],
      states: [hidden],
      lengths,
      ...attributes,
      attributes: { linear_before_reset: 1 },
    });
  },
  rnn: ({ composite: { inputs, attributes }, out }) => {
    const [x, ih, hh, biasIh, biasHh, hidden, lengths] = inputs;
    const { nonlinearity, ...sizes } = attributes;
    return recurrent(out, {
      type: "RNN",
      gates: [0],
      x,
      weights: [ih, hh, biasIh, biasHh],
      states: [hidden],
      lengths,
      ...sizes,
      attributes: { activations: { strings: [nonlinearity === "tanh" ? "Tanh" : "Relu"] } },
    });
  },
};
