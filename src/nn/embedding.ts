// Embedding: a learned row for each of a fixed number of symbols; and EmbeddingBag, which reduces the rows of a bag.
import { at } from "../graph/at.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { withGradient } from "../graph/ops/alias.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { given, tensorKind } from "../tensor/arguments.ts";
import { checked, requireThat } from "../tensor/checks.ts";
import { composed } from "../tensor/composed.ts";
import { arange, ones, Parameter, State, Tensor, where, zeros } from "../tensor/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";
import { dtypeOf, listed } from "./print.ts";
import { checkSizes } from "./sizes.ts";

export interface EmbeddingLookup {
  /** This row gets no gradient; negative numbers count from the end. */
  readonly paddingIdx?: number | undefined;
  /**
   * Scales looked-up rows with a larger norm down to it, in the table itself, which must then be a State. Use the gradient in the same compiled step,
   * because the table changes there.
   */
  readonly maxNorm?: number | undefined;
  /** The order of the norm for maxNorm. Default 2. */
  readonly normType?: number;
  /** Divides each row's gradient by the number of times it occurs in the input. Default false. */
  readonly scaleGradByFreq?: boolean;
}

const lookupKinds: OptionKinds<EmbeddingLookup> = {
  paddingIdx: kind.number,
  maxNorm: kind.number,
  normType: kind.number,
  scaleGradByFreq: kind.boolean,
};

/**
 * Looks up rows of the table [num, dim]: int32 [*] → [*, dim]. An index outside the table is an error when run. A number in place of options is
 * `paddingIdx`. Source: torch.nn.functional.embedding.
 */
export function embedding(index: Tensor, weight: Tensor, options: EmbeddingLookup | number = {}): Tensor {
  given("embedding", index, "the index");
  given("embedding", weight, "the table");
  const lookup = checkOptions(
    "embedding",
    typeof options === "number" ? { paddingIdx: options } : options,
    lookupKinds,
  );
  const { paddingIdx, maxNorm, normType = 2, scaleGradByFreq } = lookup;
  const [count, width] = weight.shape;
  if (count === undefined || width === undefined || weight.rank !== 2)
    throw new ShapeError(
      `embedding: the table must be [numEmbeddings, embeddingDim], got ${formatShape(weight.shape)}`,
    );
  const flat = checkedRows("embedding", index, count).reshape([index.size]);
  if (maxNorm !== undefined) limitRows(weight, flat, maxNorm, normType);
  const unseen = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + count : paddingIdx;
  return composed("embedding", [index, weight], { paddingIdx: unseen ?? null }, () => {
    const rows = weight.indexSelect(0, flat);
    const scaled = scaleGradByFreq ? dividedGradient(rows, flat, count) : rows;
    if (unseen === undefined) return scaled.reshape([...index.shape, width]);
    return where(flat.eq(unseen).unsqueeze(1), scaled.detach(), scaled).reshape([...index.shape, width]);
  });
}

const checkedRows = (by: string, index: Tensor, count: number): Tensor =>
  checked(index, count, { by, item: "index", count: "the number of rows in the table" });

/** The number of lookups of each row, [num]. */
const occurrences = (flat: Tensor, count: number, dtype: init.FloatDType): Tensor =>
  zeros([count], { dtype }).scatterAdd(0, flat, ones([flat.size], { dtype }));

const floatOf = (x: Tensor): init.FloatDType => (x.dtype === "float64" ? "float64" : "float32");

/** Scales the looked-up rows to a norm of at most `maxNorm`. */
function limitRows(weight: Tensor, flat: Tensor, maxNorm: number, normType: number): void {
  if (!(weight instanceof State))
    throw new HebbError(
      "embedding: maxNorm changes the table, which must be a Parameter or State, not a computed tensor",
    );
  if (!(maxNorm > 0 && normType > 0))
    throw new HebbError(`embedding: maxNorm and normType must be above 0, got ${maxNorm} and ${normType}`);
  const table = weight.detach();
  const length =
    normType === 2
      ? table.norm(2, 1, true)
      : table
          .abs()
          .pow(normType)
          .sum(1, true)
          .pow(1 / normType);
  const used = occurrences(flat, at(weight.shape, 0), floatOf(weight)).gt(0).unsqueeze(1);
  const factor = where(used.logicalAnd(length.gt(maxNorm)), length.add(1e-7).reciprocal().mul(maxNorm), 1);
  weight.assign(table.mul(factor));
}

/** The rows, whose gradients are divided by the number of lookups. */
function dividedGradient(rows: Tensor, flat: Tensor, count: number): Tensor {
  const share = occurrences(flat, count, floatOf(rows)).indexSelect(0, flat).reciprocal().unsqueeze(1);
  const node = withGradient(rows.node, [rows.node], (grad) => [Tensor.of(grad).mul(share).node]);
  return Tensor.from(node, [rows]);
}

export interface EmbeddingOptions extends EmbeddingLookup {
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: init.FloatDType;
}

const embeddingKinds: OptionKinds<EmbeddingOptions> = { ...lookupKinds, dtype: kind.floatDType };

/** A table with its initial values and lookup options. */
abstract class Table<In extends unknown[]> extends Module<Tensor, In> {
  readonly weight: Parameter;
  readonly lookup: EmbeddingLookup;

  constructor(kind: string, numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions) {
    super();
    const { dtype, ...lookup } = options;
    const { paddingIdx } = lookup;
    checkSizes(kind, { numEmbeddings, embeddingDim });
    if (paddingIdx !== undefined && !(paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)) {
      throw new HebbError(`${kind}: paddingIdx ${paddingIdx} is outside a table of ${numEmbeddings} rows`);
    }
    this.lookup = lookup;
    this.weight = new Parameter(init.blank([numEmbeddings, embeddingDim], dtype));
    init.normal(this.weight);
    if (paddingIdx === undefined) return;
    const rows = arange(numEmbeddings).reshape([numEmbeddings, 1]);
    this.weight.assign(where(rows.eq(paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx), 0, this.weight));
  }

  override extraRepr(): string {
    return [this.weight.shape.join(" → "), ...listed(this.lookup), ...dtypeOf(this.weight)].join(", ");
  }
}

/** A table [numEmbeddings, embeddingDim], initially normal, and zero at `paddingIdx`. Source: torch.nn.Embedding. */
export class Embedding extends Table<Tensor[]> {
  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    super("Embedding", numEmbeddings, embeddingDim, checkOptions("Embedding", options, embeddingKinds));
  }

  get paddingIdx(): number | undefined {
    return this.lookup.paddingIdx;
  }

  forward(index: Tensor): Tensor {
    return embedding(index, this.weight, this.lookup);
  }
}

export interface BagOptions extends EmbeddingLookup {
  /** How the rows of a bag are reduced to one. Default "mean". */
  readonly mode?: BagMode;
}

const bagModes = ["sum", "mean", "max"] as const;
type BagMode = (typeof bagModes)[number];
const bagKinds: OptionKinds<BagOptions> = { ...lookupKinds, mode: kind.oneOf(...bagModes) };

export interface BagInputs {
  /** For an index [N]: the start of each bag. Without it the index is [bags, N]. */
  readonly offsets?: Tensor | undefined;
  /** A factor for each row, in the index's shape; for mode "sum". */
  readonly perSampleWeights?: Tensor | undefined;
  /** The last offset is the end of the last bag. Default false. */
  readonly includeLastOffset?: boolean;
}

const bagInputKinds: OptionKinds<BagInputs> = {
  offsets: tensorKind,
  perSampleWeights: tensorKind,
  includeLastOffset: kind.boolean,
};

/**
 * The sum, mean or maximum of the rows of each bag: [bags, N] → [bags, dim], or [N] with offsets. Rows of `paddingIdx` are ignored, and an empty bag
 * gives 0. Source: torch.nn.functional.embedding_bag.
 */
export function embeddingBag(index: Tensor, weight: Tensor, options: BagOptions & BagInputs = {}): Tensor {
  given("embeddingBag", index, "the index");
  given("embeddingBag", weight, "the table");
  checkOptions("embeddingBag", options, { ...bagKinds, ...bagInputKinds });
  const { mode = "mean", offsets, perSampleWeights, includeLastOffset = false, ...lookup } = options;
  if (perSampleWeights !== undefined && (mode !== "sum" || !sameShape(perSampleWeights.shape, index.shape)))
    throw new HebbError(
      `embeddingBag: perSampleWeights are for mode "sum" and must be ${formatShape(index.shape)}, got mode "${mode}" and ${formatShape(perSampleWeights.shape)}`,
    );
  const [count = 0, width = 0] = weight.shape;
  const { paddingIdx } = lookup;
  const padding = paddingIdx === undefined ? undefined : index.ne(paddingIdx < 0 ? paddingIdx + count : paddingIdx);
  const rows = embedding(checkedRows("embeddingBag", index, count), weight, lookup);
  if (offsets === undefined) {
    if (index.rank !== 2)
      throw new ShapeError(`embeddingBag: takes [bags, N], or [N] with offsets, got ${formatShape(index.shape)}`);
    const counts = padding ?? ones(index.shape, { dtype: "bool" });
    return joinRows(rows, counts, perSampleWeights, mode);
  }
  if (index.rank !== 1 || offsets.rank !== 1)
    throw new ShapeError(
      `embeddingBag: offsets go with an index [N], got ${formatShape(offsets.shape)} and ${formatShape(index.shape)}`,
    );
  const bounds = checkedOffsets(offsets, index.size);
  // For each bag, a mask of the positions between its offset and the next.
  const starts = includeLastOffset ? bounds.slice(0, 0, -1) : bounds;
  const bags = starts.size;
  const place = arange(index.size).reshape([1, index.size]);
  const begun = place.ge(starts.reshape([bags, 1]));
  const ended = includeLastOffset
    ? place.ge(bounds.slice(0, 1).reshape([bags, 1]))
    : place.ge(starts.slice(0, 1).reshape([bags - 1, 1])).pad([
        [0, 1],
        [0, 0],
      ]);
  const inside = begun.logicalAnd(ended.logicalNot());
  const counts = padding === undefined ? inside : inside.logicalAnd(padding.unsqueeze(0));
  return joinRows(
    rows.unsqueeze(0).expand([bags, index.size, width]),
    counts,
    perSampleWeights?.unsqueeze(0).expand([bags, index.size]),
    mode,
  );
}

/** Offsets, checked: the first is 0, and none is below the one before it. */
function checkedOffsets(offsets: Tensor, count: number): Tensor {
  const by = "embeddingBag";
  const known = checked(offsets, count + 1, { by, item: "offset", count: "one more than the number of indices" });
  requireThat(known.slice(0, 0, 1).eq(0), {
    by,
    fault: "the first offset is not 0, so the indices before it are in no bag",
  });
  requireThat(known.slice(0, 1).ge(known.slice(0, 0, -1)), {
    by,
    fault: "the next offset is below this one; give offsets in rising order",
  });
  return known;
}

/** Reduces [bags, N, dim], with a mask [bags, N] of the rows that count, to [bags, dim]. */
function joinRows(rows: Tensor, counts: Tensor, weights: Tensor | undefined, mode: BagMode): Tensor {
  const column = counts.unsqueeze(2);
  if (mode === "max") {
    const some = counts.any(1, true);
    const highest = where(column, rows, Number.NEGATIVE_INFINITY).amax(1);
    return where(some, highest, 0);
  }
  // Masked rows are removed first, because they may hold NaN.
  const kept = where(column, rows, 0);
  const total = (weights === undefined ? kept : kept.mul(where(counts, weights, 0).unsqueeze(2))).sum(1);
  if (mode === "sum") return total;
  return total.div(counts.to(rows.dtype).sum(1, true).clamp(1));
}

/** Reduces the rows of each bag to one row. Source: torch.nn.EmbeddingBag. */
export class EmbeddingBag extends Table<[index: Tensor, inputs?: BagInputs]> {
  readonly mode: BagMode;
  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions & BagOptions = {}) {
    const { mode = "mean", ...rest } = checkOptions("EmbeddingBag", options, { ...embeddingKinds, ...bagKinds });
    super("EmbeddingBag", numEmbeddings, embeddingDim, rest);
    this.mode = mode;
  }

  forward(index: Tensor, inputs: BagInputs = {}): Tensor {
    checkOptions("EmbeddingBag", inputs, bagInputKinds);
    return embeddingBag(index, this.weight, { ...this.lookup, ...inputs, mode: this.mode });
  }

  override extraRepr(): string {
    return `${super.extraRepr()}, ${this.mode}`;
  }
}
