// The exact listing of a graph.
import { expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { withScope } from "./node.ts";
import { full } from "./ops/creation.ts";
import { add, relu } from "./ops/elementwise.ts";
import { matmul } from "./ops/matmul.ts";
import { pad } from "./ops/movement.ts";
import { sum } from "./ops/reduce.ts";
import { printGraph } from "./print.ts";

it("names each value once, with attributes, type and module", () => {
  const x = inputNode({ shape: [2, 3], dtype: "float32" });
  const w = inputNode({ shape: [3, 4], dtype: "float32" });
  const hidden = withScope("fc1", () => relu(matmul(x, w)));
  const padded = pad(
    hidden,
    [
      [1, 0],
      [0, 0],
    ],
    -0,
  );
  expect(printGraph([sum(padded, 0, true), add(hidden, hidden)])).toBe(
    [
      "%0 = argument : f32[2, 3]",
      "%1 = argument : f32[3, 4]",
      "%2 = matmul(%0, %1, batch=0, inner=1) : f32[2, 4]  # fc1",
      "%3 = relu(%2) : f32[2, 4]  # fc1",
      "%4 = pad(%3, pads=[[1, 0, 0], [0, 0, 0]], value=-0) : f32[3, 4]",
      "%5 = sum(%4, axes=[0]) : f32[1, 4]",
      "%6 = add(%3, %3) : f32[2, 4]",
      "return %5, %6",
    ].join("\n"),
  );
});

it("lists a value once even if it is an output twice", () => {
  const c = full([], 2, "int32");
  expect(printGraph([c, c])).toBe("%0 = full(value=2) : i32[]\nreturn %0, %0");
});
