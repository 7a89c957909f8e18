// Padding of the last one to three dims: constant, reflected, replicated, circular.
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { padWith } from "../graph/ops/conv.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { composed } from "../tensor/composed.ts";
import { Tensor } from "../tensor/index.ts";
import { Module } from "./module.ts";

const modes = ["constant", "reflect", "replicate", "circular"] as const;

export interface PadOptions {
  /** Default "constant". */
  readonly mode?: (typeof modes)[number];
  /** For "constant". Default 0. */
  readonly value?: number;
}

const padKinds: OptionKinds<PadOptions> = { mode: kind.oneOf(...modes), value: kind.number };

/**
 * Pads the last dims: `padding` holds [before, after] for the last dim, then for the one before it, and so on, as in PyTorch. Negative amounts crop.
 * "reflect" mirrors without repeating the edge, "replicate" repeats it, "circular" wraps around. Source: torch.nn.functional.pad.
 */
export function pad(x: Tensor, padding: readonly number[], options: PadOptions = {}): Tensor {
  given("pad", x);
  checkKind("pad", "padding", padding, kind.numbers);
  const { mode = "constant", value = 0 } = checkOptions("pad", options, padKinds);
  if (padding.length % 2 !== 0 || padding.length > 2 * x.rank || !padding.every(Number.isInteger)) {
    throw new ShapeError(
      `pad: padding ${formatShape(padding)} must hold whole numbers, two for each dim from the last, at most ${2 * x.rank} for ${formatShape(x.shape)}`,
    );
  }
  const pairs = x.shape.map((_, axis): [number, number] => {
    const from = 2 * (x.rank - 1 - axis);
    return [padding[from] ?? 0, padding[from + 1] ?? 0];
  });
  return composed("pad", [x], { padding: pairs, mode, value }, () => {
    if (mode === "constant") return x.pad(pairs, value);
    const cut = pairs.some((pair) => pair.some((amount) => amount < 0))
      ? x.pad(pairs.map(([before, after]) => [Math.min(0, before), Math.min(0, after)]))
      : x;
    const added = pairs.map(([before, after]): [number, number] => [Math.max(0, before), Math.max(0, after)]);
    return Tensor.from(padWith(cut.node, added, mode), [cut]);
  });
}

/** The amounts for `rank` dims, from one number for all sides or a list. */
function amounts(where: string, padding: number | readonly number[], rank: number): readonly number[] {
  checkKind(where, "padding", padding, kind.size);
  const list = typeof padding === "number" ? new Array<number>(2 * rank).fill(padding) : padding;
  if (list.length !== 2 * rank)
    throw new ShapeError(
      `${where}: padding must be one number or ${2 * rank} (${["left, right", "left, right, top, bottom", "left, right, top, bottom, front, back"][rank - 1]}), got ${formatShape(list)}`,
    );
  return list;
}

abstract class PadModule extends Module {
  readonly padding: readonly number[];
  readonly options: PadOptions;
  readonly #rank: number;

  constructor(where: string, rank: number, padding: number | readonly number[], options: PadOptions) {
    super();
    this.padding = amounts(where, padding, rank);
    this.options = checkOptions(where, options, padKinds);
    this.#rank = rank;
  }

  forward(x: Tensor): Tensor {
    given(this.constructor.name, x);
    const rank = this.#rank;
    if (x.rank !== rank + 1 && x.rank !== rank + 2)
      throw new ShapeError(
        `${this.constructor.name}: takes ${rank + 2} dims, or ${rank + 1} without a batch, got ${formatShape(x.shape)}`,
      );
    return pad(x, this.padding, this.options);
  }
}

type Padding = number | readonly number[];

/** Pads with a value: one number for all sides, or [left, right]. Source: torch.nn.ConstantPad1d. */
export class ConstantPad1d extends PadModule {
  constructor(padding: Padding, value: number) {
    super("ConstantPad1d", 1, padding, { value });
  }
}
/** Pads with a value: one number for all sides, or [left, right, top, bottom]. Source: torch.nn.ConstantPad2d. */
export class ConstantPad2d extends PadModule {
  constructor(padding: Padding, value: number) {
    super("ConstantPad2d", 2, padding, { value });
  }
}
/** Source: torch.nn.ZeroPad1d. */
export class ZeroPad1d extends PadModule {
  constructor(padding: Padding) {
    super("ZeroPad1d", 1, padding, {});
  }
}
/** Source: torch.nn.ZeroPad2d. */
export class ZeroPad2d extends PadModule {
  constructor(padding: Padding) {
    super("ZeroPad2d", 2, padding, {});
  }
}
/** Mirrors, without repeating the edge. Source: torch.nn.ReflectionPad1d. */
export class ReflectionPad1d extends PadModule {
  constructor(padding: Padding) {
    super("ReflectionPad1d", 1, padding, { mode: "reflect" });
  }
}
/** Mirrors, without repeating the edge. Source: torch.nn.ReflectionPad2d. */
export class ReflectionPad2d extends PadModule {
  constructor(padding: Padding) {
    super("ReflectionPad2d", 2, padding, { mode: "reflect" });
  }
}
/** Repeats the edge. Source: torch.nn.ReplicationPad1d. */
export class ReplicationPad1d extends PadModule {
  constructor(padding: Padding) {
    super("ReplicationPad1d", 1, padding, { mode: "replicate" });
  }
}
/** Repeats the edge. Source: torch.nn.ReplicationPad2d. */
export class ReplicationPad2d extends PadModule {
  constructor(padding: Padding) {
    super("ReplicationPad2d", 2, padding, { mode: "replicate" });
  }
}
/** Wraps around. Source: torch.nn.CircularPad1d. */
export class CircularPad1d extends PadModule {
  constructor(padding: Padding) {
    super("CircularPad1d", 1, padding, { mode: "circular" });
  }
}
/** Wraps around. Source: torch.nn.CircularPad2d. */
export class CircularPad2d extends PadModule {
  constructor(padding: Padding) {
    super("CircularPad2d", 2, padding, { mode: "circular" });
  }
}
/** Pads with a value: one number for all sides, or [left, right, top, bottom, front, back]. Source: torch.nn.ConstantPad3d. */
export class ConstantPad3d extends PadModule {
  constructor(padding: Padding, value: number) {
    super("ConstantPad3d", 3, padding, { value });
  }
}
/** Source: torch.nn.ZeroPad3d. */
export class ZeroPad3d extends PadModule {
  constructor(padding: Padding) {
    super("ZeroPad3d", 3, padding, {});
  }
}
/** Mirrors, without repeating the edge. Source: torch.nn.ReflectionPad3d. */
export class ReflectionPad3d extends PadModule {
  constructor(padding: Padding) {
    super("ReflectionPad3d", 3, padding, { mode: "reflect" });
  }
}
/** Repeats the edge. Source: torch.nn.ReplicationPad3d. */
export class ReplicationPad3d extends PadModule {
  constructor(padding: Padding) {
    super("ReplicationPad3d", 3, padding, { mode: "replicate" });
  }
}
/** Wraps around. Source: torch.nn.CircularPad3d. */
export class CircularPad3d extends PadModule {
  constructor(padding: Padding) {
    super("CircularPad3d", 3, padding, { mode: "circular" });
  }
}
