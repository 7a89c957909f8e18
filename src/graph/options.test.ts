// Options, kinds and nearest names: what is accepted, what is rejected, and the messages.
import { describe, expect, it } from "vitest";
import { HebbError } from "./errors.ts";
import * as kind from "./kinds.ts";
import { nearest } from "./nearest.ts";
import { checkKind, checkOptions, type OptionKinds } from "./options.ts";

interface Sample {
  readonly reduction?: "none" | "mean" | "sum";
  readonly labelSmoothing?: number;
  readonly stride?: number | readonly number[];
  readonly momentum?: number | null;
}

const kinds: OptionKinds<Sample> = {
  reduction: kind.oneOf("none", "mean", "sum"),
  labelSmoothing: kind.number,
  stride: kind.size,
  momentum: kind.orNull(kind.number),
};
const check = (options: object) => () => checkOptions("sample", options as Sample, kinds);

it("describes an object by the name of its class, as spelt in the code", () => {
  expect(kind.describe(new (class _Tensor {})())).toBe("a Tensor");
  expect(kind.describe({ constructor: 1 })).toBe("an object");
});

describe("checkOptions", () => {
  it("accepts valid options, including undefined ones", () => {
    const options = { reduction: "sum", labelSmoothing: 0.1, stride: [1, 2], momentum: null } as const;
    expect(checkOptions("sample", options, kinds)).toBe(options);
    expect(check({ labelSmoothing: undefined })).not.toThrow();
  });

  it.each([
    [
      { label_smoothing: 0.1 },
      /^sample: there is no option label_smoothing; did you mean labelSmoothing\? Its options are/,
    ],
    [{ LabelSmoothing: 0.1 }, /did you mean labelSmoothing\?/],
    [{ reducton: "sum" }, /did you mean reduction\?/],
    [
      { weightDecay: 1 },
      /there is no option weightDecay; its options are reduction, labelSmoothing, stride, momentum$/,
    ],
    [{ toString: 1 }, /there is no option toString/],
    [{ reduction: "meen" }, /reduction "meen" does not exist; did you mean "mean"\? It takes "none", "mean" or "sum"$/],
    [{ reduction: "avg" }, /reduction "avg" does not exist; use "none", "mean" or "sum"$/],
    [{ reduction: null }, /reduction must be "none", "mean" or "sum", got null$/],
    [{ labelSmoothing: "0.1" }, /labelSmoothing must be a number, got "0.1"$/],
    [{ labelSmoothing: Number.NaN }, /labelSmoothing must be a number, got NaN$/],
    [{ stride: ["2"] }, /stride must be a number or a list of numbers, got an array$/],
    [0.1, /^sample: options must be an object such as \{ reduction: … \}, got 0.1; its options are/],
    ["mean", /options must be an object .* got "mean"/],
    [[0.1], /options must be an object .* got \[0.1\]/],
    [null, /options must be an object .* got null/],
    [
      new (class Config {
        x = 1;
      })(),
      /options must be a plain object, got a Config/,
    ],
  ])("rejects %o", (options, message) => {
    expect(check(options as object)).toThrow(HebbError);
    expect(check(options as object)).toThrow(message);
  });
});

describe("checkKind", () => {
  it("names the argument, the value and the valid values", () => {
    expect(() => checkKind("gelu", "approximate", "fast", kind.oneOf("none", "tanh"))).toThrow(
      'gelu: approximate "fast" does not exist; use "none" or "tanh"',
    );
    expect(() => checkKind("to", "dtype", "float", kind.dtype)).toThrow(/did you mean "float(16|32)"\?|use "bool"/);
    expect(() => checkKind("conv2d", "padding", "sane", kind.either(kind.size, kind.oneOf("same", "valid")))).toThrow(
      'conv2d: padding "sane" does not exist; did you mean "same"? It takes a number or a list of numbers or "same" or "valid"',
    );
  });
});

describe("nearest", () => {
  it("ignores case, underscores and hyphens, and suggests nothing if no name is near", () => {
    expect(nearest("padding_mode", ["padding", "paddingMode"])).toBe("paddingMode");
    expect(nearest("nearest_exact", ["nearest", "nearest-exact"])).toBe("nearest-exact");
    expect(nearest("trilinear", ["linear", "bilinear"])).toBe("bilinear");
    expect(nearest("avg", ["none", "mean", "sum"])).toBeUndefined();
  });
});
