// Attention, rotary positions and gated activations.
import { at } from "../../../graph/at.ts";
import { arange, cat, einsum, stack, type Tensor, where, zeros } from "../../../tensor/index.ts";
import { float, int, maybeFloat, maybeInt, string } from "./attributes.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";

/** [B, T, heads · D] → [B, heads, T, D] */
const split = (x: Tensor, heads: number): Tensor =>
  x.reshape(at(x.shape, 0), at(x.shape, 1), heads, at(x.shape, 2) / heads).permute(0, 2, 1, 3);
const joined = (x: Tensor): Tensor => x.permute(0, 2, 1, 3).reshape(at(x.shape, 0), at(x.shape, 2), -1);

/** Repeats each head of keys or values for the adjacent heads of queries that share it. */
function repeatHeads(x: Tensor, heads: number): Tensor {
  const [b, own, t, d] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  if (own === heads) return x;
  return x
    .unsqueeze(2)
    .expand(b, own, heads / own, t, d)
    .reshape(b, heads, t, d);
}

/** Softmax over the last dim; a row that is all −∞ becomes zeros. */
function maskedSoftmax(scores: Tensor): Tensor {
  const highest = scores.detach().amax(-1, true);
  const exponentials = scores.sub(where(highest.eq(Number.NEGATIVE_INFINITY), 0, highest)).exp();
  const sum = exponentials.sum(-1, true);
  return exponentials.div(where(sum.eq(0), 1, sum));
}

const hide = (allowed: Tensor): Tensor => where(allowed, 0, Number.NEGATIVE_INFINITY);

interface AttentionAttributes {
  readonly is_causal: number;
  readonly left_window_size: number;
  readonly right_window_size: number;
}

/** The term added to the scores [B, H, S, T]: 0 at visible positions, −∞ elsewhere, plus the mask. */
function biasOf(call: Call<AttentionAttributes>, queries: number, keys: number, past: number): Tensor | undefined {
  const lengths = call.maybe(6)?.to("int32");
  const { is_causal, left_window_size: left, right_window_size: right } = call.attributes;
  let bias: Tensor | undefined;
  const add = (more: Tensor): void => {
    bias = bias === undefined ? more : bias.add(more);
  };
  const mask = call.maybe(3);
  if (mask !== undefined) {
    const additive = mask.dtype === "bool" ? hide(mask) : mask;
    const short = keys - at(mask.shape, mask.rank - 1);
    add(
      short > 0
        ? additive.pad(
            mask.shape.map((_, dim): [number, number] => (dim === mask.rank - 1 ? [0, short] : [0, 0])),
            Number.NEGATIVE_INFINITY,
          )
        : additive,
    );
  }
  const offset = lengths === undefined || past > 0 ? undefined : lengths.reshape(-1, 1, 1, 1).sub(queries);
  const steps = arange(queries).reshape(queries, 1).add(past);
  const place = offset === undefined ? steps : steps.add(offset);
  const distance = place.sub(arange(keys).reshape(1, keys));
  if (is_causal === 1) add(hide(distance.ge(0)));
  if (left >= 0) add(hide(distance.le(left)));
  if (right >= 0) add(hide(distance.ge(-right)));
  if (lengths !== undefined)
    add(
      hide(
        arange(keys)
          .reshape(1, 1, 1, keys)
          .lt(lengths.reshape(-1, 1, 1, 1)),
      ),
    );
  return bias;
}

const attentionKinds = {
  is_causal: int(0),
  kv_num_heads: maybeInt,
  left_window_size: int(-1),
  q_num_heads: maybeInt,
  qk_matmul_output_mode: int(0),
  right_window_size: int(-1),
  scale: maybeFloat,
  softcap: float(0),
  softmax_precision: maybeInt,
};

const attention = rule(attentionKinds, (call): Output[] => {
  const { q_num_heads, kv_num_heads, scale, softcap, qk_matmul_output_mode: mode } = call.attributes;
  const { type } = call.value(0);
  const flat = call.value(0).rank === 3;
  const heads = (place: number, count: number | undefined): Tensor => {
    const x = call.tensor(place);
    if (!flat) return x;
    if (count === undefined) throw call.fail("inputs of 3 dims need q_num_heads and kv_num_heads");
    return split(x, count);
  };
  const q = heads(0, q_num_heads);
  const past = call.maybe(4);
  const key = past === undefined ? heads(1, kv_num_heads) : cat([past, heads(1, kv_num_heads)], 2);
  const pastValue = call.maybe(5);
  const value = pastValue === undefined ? heads(2, kv_num_heads) : cat([pastValue, heads(2, kv_num_heads)], 2);
  const count = at(q.shape, 1);
  if (count % at(key.shape, 1) !== 0)
    throw call.fail(`${count} heads of queries do not share ${at(key.shape, 1)} of keys`);
  const root = Math.sqrt(scale ?? 1 / Math.sqrt(at(q.shape, 3)));
  const product = q.mul(root).matmul(repeatHeads(key, count).mul(root).transpose(2, 3));
  const capped = softcap > 0 ? product.div(softcap).tanh().mul(softcap) : product;
  const bias = biasOf(call, at(q.shape, 2), at(key.shape, 2), past === undefined ? 0 : at(past.shape, 2));
  const scores = bias === undefined ? capped : capped.add(bias);
  let weights = maskedSoftmax(scores);
  if (bias !== undefined) weights = where(bias.amax(-1, true).eq(Number.NEGATIVE_INFINITY), 0, weights).to(q.dtype);
  const out = weights.to(q.dtype).matmul(repeatHeads(value, count));
  const shown = [product, capped, scores, weights][mode] ?? product;
  return [out, key, value, shown].map((one, place) =>
    typed((place === 0 && flat ? joined(one) : one).to(q.dtype), type),
  );
});

function rotary(
  call: Call<{ readonly interleaved: number; readonly num_heads: number; readonly rotary_embedding_dim: number }>,
): Output {
  const { tensor: given, type } = call.value(0);
  const { interleaved, num_heads, rotary_embedding_dim } = call.attributes;
  const x = given.rank === 3 ? split(given, num_heads) : given;
  const size = rotary_embedding_dim === 0 ? at(x.shape, 3) : rotary_embedding_dim;
  const [turning, rest] = [x.narrow(3, 0, size), x.narrow(3, size, at(x.shape, 3) - size)];
  const ids = call.maybe(3)?.to("int32");
  const cache = (place: number): Tensor => {
    const t = call.tensor(place);
    const rows =
      ids === undefined ? t : t.indexSelect(0, ids.reshape(ids.size)).reshape([...ids.shape, at(t.shape, 1)]);
    return rows.unsqueeze(1);
  };
  const [cos, sin] = [cache(1), cache(2)];
  const half = size / 2;
  const [a, b] =
    interleaved === 1
      ? [turning.slice(3, 0, size, 2), turning.slice(3, 1, size, 2)]
      : [turning.narrow(3, 0, half), turning.narrow(3, half, half)];
  const [real, imaginary] = [cos.mul(a).sub(sin.mul(b)), sin.mul(a).add(cos.mul(b))];
  const turned = interleaved === 1 ? stack([real, imaginary], 4).reshape(turning.shape) : cat([real, imaginary], 3);
  const out = cat([turned, rest], 3);
  return typed((given.rank === 3 ? joined(out) : out).to(given.dtype), type);
}

/** Attention without softmax: a state of keys by values that each step decays, corrects and reads. */
function linearAttention(
  call: Call<{
    readonly q_num_heads: number;
    readonly kv_num_heads: number;
    readonly scale: number;
    readonly update_rule: string;
  }>,
): Output[] {
  const { q_num_heads, kv_num_heads, scale, update_rule } = call.attributes;
  const { type } = call.value(0);
  const [q, k, v] = [
    split(call.tensor(0), q_num_heads),
    split(call.tensor(1), kv_num_heads),
    split(call.tensor(2), kv_num_heads),
  ];
  const [b, steps, wide] = [at(q.shape, 0), at(q.shape, 2), at(q.shape, 3)];
  const gated = update_rule.startsWith("gated");
  const corrected = update_rule.endsWith("delta");
  const factor = scale === 0 ? 1 / Math.sqrt(wide) : scale;
  const perHead = (place: number): Tensor => {
    const x = call.tensor(place);
    return at(x.shape, 2) === kv_num_heads * wide ? split(x, kv_num_heads) : x.permute(0, 2, 1).unsqueeze(3);
  };
  const decay = gated ? perHead(4).exp() : undefined;
  const beta = corrected ? call.tensor(5).permute(0, 2, 1).unsqueeze(3) : undefined;
  let state = call.maybe(3) ?? zeros([b, kv_num_heads, wide, at(v.shape, 3)]);
  const outputs: Tensor[] = [];
  for (let step = 0; step < steps; step++) {
    const key = k.select(2, step);
    let value = v.select(2, step);
    if (decay !== undefined) state = state.mul(decay.select(2, step).unsqueeze(3));
    if (beta !== undefined) value = beta.select(2, step).mul(value.sub(einsum("bhdm,bhd->bhm", state, key)));
    state = state.add(key.unsqueeze(3).mul(value.unsqueeze(2)));
    outputs.push(einsum("bhd,bhdm->bhm", q.select(2, step), repeatHeads(state, q_num_heads)).mul(factor));
  }
  return [typed(joined(stack(outputs, 2)), type), typed(state, call.maybeValue(3)?.type ?? type)];
}

export const attentions: Operators = {
  Attention: attention,
  RotaryEmbedding: rule({ interleaved: int(0), num_heads: int(0), rotary_embedding_dim: int(0) }, rotary),
  LinearAttention: rule(
    {
      chunk_size: int(64),
      kv_num_heads: int(),
      q_num_heads: int(),
      scale: float(0),
      update_rule: string("gated_delta"),
    },
    linearAttention,
  ),
  SwiGLU: rule({ alpha: float(1) }, (call) => {
    const a = call.tensor(0);
    return a.mul(a.mul(call.attributes.alpha).sigmoid()).mul(call.tensor(1));
  }),
};
