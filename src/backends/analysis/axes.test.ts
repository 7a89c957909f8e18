// Axes in expressions: which there are, and others in their place.
import { expect, it } from "vitest";
import {
  add,
  axisValue,
  cast,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
  sub,
} from "../../graph/scalar.ts";
import { axesIn, replaceAxes } from "./axes.ts";

const [a, b, c] = [newAxis(4), newAxis(5), newAxis(6)];
const place = add(mul(axisValue(a), int(8)), axisValue(b));

it("those in an index count, those that a local was summed over do not", () => {
  const local = localValue(newLocal("float32"));
  expect(axesIn(mul(load(0, place, "float32"), local))).toEqual(new Set([a.id, b.id]));
  expect(axesIn(cast(axisValue(c), "float32"))).toEqual(new Set([c.id]));
  expect(axesIn(local)).toEqual(new Set());
});

it("are replaced wherever they stand, and places become canonical again", () => {
  const by = (scalar: Scalar) => new Map([[a.id, scalar]]);
  const moved = replaceAxes(load(0, place, "float32"), by(int(3)));
  expect(moved).toEqual(load(0, add(axisValue(b), int(24)), "float32"));
  const counter = cast(axisValue(a), "float32");
  expect(replaceAxes(counter, by(sub(axisValue(c), int(2))))).toEqual(cast(sub(axisValue(c), int(2)), "float32"));
  expect(replaceAxes(cast(axisValue(b), "float32"), by(int(3)))).toEqual(cast(axisValue(b), "float32"));
});
