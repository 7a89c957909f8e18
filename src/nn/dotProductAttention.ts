// Scaled dot-product attention: with a weight matrix, or tile by tile if the matrix would be large.
import { at } from "../graph/at.ts";
import { isFloat } from "../graph/dtype.ts";
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import { tiledAttention } from "../graph/ops/attention.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { broadcastShapes, formatShape, sizeOf } from "../graph/shape.ts";
import { given, tensorKind } from "../tensor/arguments.ts";
import { lowered } from "../tensor/autocast.ts";
import { composed, composedResults } from "../tensor/composed.ts";
import { ones, Tensor, where } from "../tensor/index.ts";
import { checked, dropout } from "./dropout.ts";
import { hiddenBy, withoutJunk } from "./masks.ts";

export interface AttentionOptions {
  /** Broadcast to [..., L, S]. Booleans: true is included. Floats are added to the scores. */
  readonly attnMask?: Tensor | undefined;
  /** The fraction of weights dropped. The caller must pass 0 in evaluation. Default 0. */
  readonly dropoutP?: number;
  /** Position i attends to positions up to i. Default false. */
  readonly isCausal?: boolean;
  /** The factor of the scores. Default 1/√E. */
  readonly scale?: number | undefined;
  /** Keys and values have fewer heads (dim −3), each shared by an equal number of query heads. Default false. */
  readonly enableGqa?: boolean;
}

const attentionKinds: OptionKinds<AttentionOptions> = {
  attnMask: tensorKind,
  dropoutP: kind.number,
  isCausal: kind.boolean,
  scale: kind.number,
  enableGqa: kind.boolean,
};

/**
 * softmax(Q Kᵀ · scale + mask) V. Shapes: query [..., L, E], key [..., S, E], value [..., S, Ev] → [..., L, Ev]. A fully masked query gets 0. Long
 * sequences (L · S from 1024²) without attnMask and dropout are computed tile by tile: memory is linear in L and S, forward and backward, and
 * isCausal skips hidden tiles. attnMask, dropout and gradients of gradients keep the [..., L, S] weights. Source:
 * torch.nn.functional.scaled_dot_product_attention (Vaswani et al. 2017).
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  checkOptions("scaledDotProductAttention", options, attentionKinds);
  checked(options.dropoutP ?? 0, "scaledDotProductAttention: dropoutP");
  given("scaledDotProductAttention", query, "the query");
  given("scaledDotProductAttention", key, "the key");
  given("scaledDotProductAttention", value, "the value");
  const { attnMask } = options;
  if (attnMask === undefined) return attendUnmasked(query, key, value, options);
  return composed("scaledDotProductAttention", [query, key, value, attnMask], attributesOf(query, options), () =>
    attendSeen(query, key, value, { ...options, attnMask }),
  );
}

/** From this number of scores per head on, attention is computed in tiles. */
const leastTiled = 1024 ** 2;

/** Only the output, which needs no weights in memory. */
export function attendUnmasked(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: Omit<AttentionOptions, "attnMask">,
): Tensor {
  checkShapes(query, key, value);
  const [length, sources] = [at(query.shape, query.rank - 2), at(key.shape, key.rank - 2)];
  // The operands in the dtype of products under autocast.
  const [q, k, v] = [query, key, value].map(lowered) as [Tensor, Tensor, Tensor];
  const alike = isFloat(q.dtype) && k.dtype === q.dtype && v.dtype === q.dtype;
  if (length * sources < leastTiled || !alike || (options.dropoutP ?? 0) > 0)
    return attend(query, key, value, options).output;
  const attributes = attributesOf(query, options);
  return composed("scaledDotProductAttention", [query, key, value, undefined], attributes, () => {
    const keys = options.enableGqa ? sharedHeads(k, q) : k;
    const values = options.enableGqa ? sharedHeads(v, q) : v;
    const leads = [q, keys, values].map((x) => x.shape.slice(0, -2));
    const lead = leads.reduce((all, own) => broadcastShapes(all, own, "scaledDotProductAttention"));
    const inRow = (x: Tensor): Node => {
      const own = x.shape.slice(-2);
      return x.expand([...lead, ...own]).reshape([sizeOf(lead), ...own]).node;
    };
    const tiled = tiledAttention(inRow(q), inRow(keys), inRow(values), attributes);
    return Tensor.from(tiled, [query, key, value]).reshape([...lead, ...tiled.shape.slice(1)]);
  });
}

/** Attention with a mask. Keys hidden from every query may hold NaN. */
function attendSeen(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions & { readonly attnMask: Tensor },
): Tensor {
  const { attnMask } = options;
  // Each head has its own mask, so shared heads are repeated for the query heads.
  const shared = options.enableGqa
    ? { key: sharedHeads(key, query), value: sharedHeads(value, query) }
    : { key, value };
  const hidden = attnMask.dtype === "bool" ? attnMask.logicalNot() : hiddenBy(attnMask);
  const unseen = (hidden.rank < 2 ? hidden.unsqueeze(0) : hidden).all(-2, true).transpose(-2, -1);
  const [keys, values] = [withoutJunk(shared.key, unseen), withoutJunk(shared.value, unseen)];
  return attend(query, keys, values, { ...options, enableGqa: false }).output;
}

const attributesOf = (
  query: Tensor,
  { dropoutP = 0, isCausal = false, scale, enableGqa = false }: AttentionOptions,
) => ({ dropoutP, isCausal, scale: scale ?? 1 / Math.sqrt(query.shape.at(-1) ?? 1), enableGqa });

function checkShapes(query: Tensor, key: Tensor, value: Tensor): void {
  const width = query.shape.at(-1);
  if (
    width === undefined ||
    query.rank < 2 ||
    key.rank < 2 ||
    value.rank < 2 ||
    key.shape[key.rank - 1] !== width ||
    key.shape[key.rank - 2] !== value.shape[value.rank - 2]
  ) {
    throw new ShapeError(
      `scaledDotProductAttention: query ${formatShape(query.shape)}, key ${formatShape(key.shape)} and value ${formatShape(value.shape)} must be [..., L, E], [..., S, E] and [..., S, Ev]`,
    );
  }
}

/** The output and the weights before dropout. */
export function attend(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions,
): { readonly output: Tensor; readonly weights: Tensor } {
  checkShapes(query, key, value);
  const attributes = attributesOf(query, options);
  const { scale, dropoutP, isCausal } = attributes;
  return composedResults(
    "scaledDotProductAttention",
    [query, key, value, options.attnMask],
    attributes,
    () => {
      const keys = options.enableGqa ? sharedHeads(key, query) : key;
      const values = options.enableGqa ? sharedHeads(value, query) : value;
      const scores = query.mul(scale).matmul(keys.transpose(-2, -1));
      const visible = (): Tensor => causal(at(query.shape, query.rank - 2), at(key.shape, key.rank - 2));
      const seen = isCausal ? where(visible(), scores, Number.NEGATIVE_INFINITY) : scores;
      const weights = maskedSoftmax(seen, options.attnMask);
      return { output: (dropoutP > 0 ? dropout(weights, dropoutP) : weights).matmul(values), weights };
    },
    ({ output }) => [output],
  );
}

/** True on and below the diagonal. */
export const causal = (length: number, sources: number): Tensor => ones([length, sources], { dtype: "bool" }).tril();

/** Softmax over the last dim; 0 instead of 0/0 if everything is masked. */
function maskedSoftmax(scores: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return scores.softmax(-1);
  const seen = mask.dtype === "bool" ? mask : mask.ne(Number.NEGATIVE_INFINITY);
  const masked = where(seen, mask.dtype === "bool" ? scores : scores.add(mask), Number.NEGATIVE_INFINITY);
  const anything = masked.detach().amax(-1, true).ne(Number.NEGATIVE_INFINITY);
  return where(anything, where(anything, masked, 0).softmax(-1), 0);
}

/** Repeats each head of x (dim −3) for the query heads that share it. */
function sharedHeads(x: Tensor, query: Tensor): Tensor {
  const [heads = 1, length = 0, width = 0] = x.shape.slice(-3);
  const wanted = query.rank < 3 ? 1 : at(query.shape, query.rank - 3);
  if (x.rank < 3 || wanted % heads !== 0)
    throw new ShapeError(
      `scaledDotProductAttention: ${heads} heads of ${formatShape(x.shape)} do not divide the ${wanted} heads of ${formatShape(query.shape)}`,
    );
  const lead = x.shape.slice(0, -3);
  return x
    .unsqueeze(-3)
    .expand([...lead, heads, wanted / heads, length, width])
    .reshape([...lead, wanted, length, width]);
}
