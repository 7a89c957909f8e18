// Names without their common part: the rest distinguishes them, and a short name stays whole.
import { describe, expect, it } from "vitest";
import { apart } from "../../studio/page/draw/names.ts";

describe("names in little space", () => {
  for (const [names, wanted] of [
    [
      ["measurement_1", "measurement_2", "measurement_12"],
      ["…1", "…2", "…12"],
    ],
    [
      ["class number 1 of twenty", "class number 2 of twenty"],
      ["…1 of twenty", "…2 of twenty"],
    ],
    [
      ["setosa", "versicolor", "virginica"],
      ["setosa", "versicolor", "virginica"],
    ],
    [
      ["k_1", "k_2"],
      ["k_1", "k_2"],
    ],
    [["measurement_1"], ["measurement_1"]],
    [
      ["longitude", "longevity"],
      ["longitude", "longevity"],
    ],
    [[], []],
  ] as const)
    it(`${names.join(", ")}`, () => expect(apart(names)).toEqual(wanted));
});
