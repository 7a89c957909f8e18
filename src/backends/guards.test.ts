// Indices that count a single axis: their guard is redundant on that axis, but keeps it from merging with another.
import { describe, expect, it } from "vitest";
import { arange, type Tensor, tensor } from "../index.ts";
import { useBackend } from "../runtime/index.ts";

describe.each(["reference", "wasm"] as const)("on %s", (backend) => {
  const x = () => tensor([1, 2, 3, 4, 5, 6], { dtype: "float64" }).reshape(2, 3);
  const whole: readonly (readonly [string, () => Tensor])[] = [
    ["windows of one", () => x().unfold(-1, 1, 1)],
    ["one window", () => x().unfold(1, 3, 1)],
    ["every column in order", () => x().indexSelect(1, arange(3))],
    ["every row in order", () => x().indexSelect(0, arange(2))],
  ];
  it.each(whole)("%s is all of it", (_, make) => {
    useBackend({ backend, threads: 1 });
    expect([...make().dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
