// Converted 16-bit floats are recognised by their whole expression; anything that only looks like one is not.
import { expect, it } from "vitest";
import { valueOfBits } from "../../graph/halves.ts";
import { axisValue, binary, bitcast, cast, int, load, newAxis, type Scalar } from "../../graph/scalar.ts";
import { halfOf } from "./halves.ts";

const stored = load(0, axisValue(newAxis(8)), "uint16");
const bits = cast(stored, "int32");

it.each(["float16", "bfloat16"] as const)("%s: the bits of a load, and bits that were computed", (dtype) => {
  expect(halfOf(valueOfBits(stored, dtype))).toEqual({ dtype, bits });
  const computed = binary("xor", bits, int(1));
  expect(halfOf(valueOfBits(computed, dtype))).toEqual({ dtype, bits: computed });
});

const float16 = valueOfBits(stored, "float16");
const magnitude = float16.kind === "bitcast" && float16.x.kind === "binary" ? float16.x.a : int(0);
it.each<[string, Scalar]>([
  ["a plain load", load(0, int(1), "float32")],
  ["an integer", bits],
  ["a cast", cast(bits, "float32")],
  ["the bits themselves", bitcast(bits, "float32")],
  ["a bfloat16 shifted too little", bitcast(binary("shl", bits, int(15)), "float32")],
  ["a shift to the right", bitcast(binary("shr", bits, int(16)), "float32")],
  ["a float16 without its sign", bitcast(magnitude, "float32")],
  [
    "a float16 with another sign bit",
    bitcast(binary("or", magnitude, binary("shl", binary("and", bits, int(0x4000)), int(16))), "float32"),
  ],
  ["a float16 whose sign is a constant", bitcast(binary("or", magnitude, int(0)), "float32")],
  [
    "the sign of other bits",
    bitcast(
      binary("or", magnitude, binary("shl", binary("and", load(1, int(0), "int32"), int(0x8000)), int(16))),
      "float32",
    ),
  ],
])("%s is none", (_, value) => {
  expect(halfOf(value)).toBeUndefined();
});
