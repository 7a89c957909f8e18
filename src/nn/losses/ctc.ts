// Connectionist temporal classification: labels without an alignment in time.

import { at } from "../../graph/at.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import { greatest } from "../../graph/extremes.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape } from "../../graph/shape.ts";
import { given } from "../../tensor/arguments.ts";
import { checkedLabels, requireThat } from "../../tensor/checks.ts";
import { arange, cat, full, scan, stack, Tensor, tensor, where, zeros } from "../../tensor/index.ts";
import { type LossOptions, lossKinds, reduceLoss, requireLabels } from "./reduction.ts";

export interface CtcOptions extends LossOptions {
  /** The blank class. Default 0. */
  readonly blank?: number;
  /** Replaces an infinite loss, when a target is too long for its input, by 0. Default false. */
  readonly zeroInfinity?: boolean;
}

export const ctcKinds: OptionKinds<CtcOptions> = { ...lossKinds, blank: kind.number, zeroInfinity: kind.boolean };

const isLength = (length: number): boolean => Number.isInteger(length) && length >= 0;

export type Lengths = Tensor | readonly number[];

function lengthsOf(what: string, lengths: Lengths, count: number, most: number): Tensor {
  const found = lengths instanceof Tensor ? lengths : tensor(Int32Array.from(lengths), { shape: [lengths.length] });
  requireLabels("ctc", found);
  const flat = found.rank === 0 ? found.unsqueeze(0) : found;
  if (flat.rank !== 1 || flat.size !== count)
    throw new ShapeError(
      `ctc: ${what} needs one number for each of ${count} sequences, got ${formatShape(found.shape)}`,
    );
  const whole = flat.to("int32");
  requireThat(whole.ge(0).logicalAnd(whole.le(most)), {
    by: "ctc",
    fault: `${what} is not between 0 and ${most}, the length of the longest`,
  });
  return whole;
}

/** Targets as [N, S]: a concatenated list is split by the lengths. */
function paddedTargets(targets: Tensor, lengths: Lengths, count: number): Tensor {
  if (targets.rank === 2 || count === 0) return targets;
  if (lengths instanceof Tensor)
    throw new HebbError("ctc: targets in one list need their lengths as numbers; pad them to [N, S], or give an array");
  const most = Math.max(1, greatest(lengths));
  let end = 0;
  const rows = lengths.map((length) => {
    const row = targets.slice(0, end, end + length);
    end += length;
    return cat([row.to("int32"), zeros([most - length], { dtype: "int32" })]);
  });
  if (end !== targets.size)
    throw new ShapeError(`ctc: the lengths sum to ${end}, and there are ${targets.size} targets`);
  return stack(rows);
}

/**
 * −ln of the probability of the targets, summed over all their alignments with the time steps, with blanks in between: log-probabilities [T, N, C]
 * (or [T, C]) and targets [N, S], or all in one list; lengths are those of each sequence. "mean" first divides each loss by the length of its target.
 * The gradient is that of the function itself; PyTorch adds eˣ, which a preceding logSoftmax removes again. Source: torch.nn.functional.ctc_loss
 * (Graves et al. 2006).
 */
export function ctc(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Lengths,
  targetLengths: Lengths,
  options: CtcOptions = {},
): Tensor {
  given("ctc", logProbs, "the log-probabilities");
  given("ctc", targets, "the targets");
  const { blank = 0, zeroInfinity = false, reduction = "mean" } = checkOptions("ctc", options, ctcKinds);
  for (const [what, lengths] of Object.entries({ inputLengths, targetLengths }))
    if (!(lengths instanceof Tensor) && !(kind.numbers.accepts(lengths) && lengths.every(isLength)))
      throw new HebbError(`ctc: ${what} must be whole numbers in a tensor or an array, got ${kind.describe(lengths)}`);
  requireLabels("ctc", targets);
  const single = logProbs.rank === 2;
  const probs = single ? logProbs.unsqueeze(1) : logProbs;
  const [steps = 0, count = 0, classes = 0] = probs.shape;
  const rows = paddedTargets(single && targets.rank === 1 ? targets.unsqueeze(0) : targets, targetLengths, count);
  if (probs.rank !== 3 || rows.rank !== 2 || rows.shape[0] !== count)
    throw new ShapeError(
      `ctc: takes log-probabilities [T, N, C] and targets [N, S], got ${formatShape(logProbs.shape)} and ${formatShape(targets.shape)}`,
    );
  if (!(Number.isInteger(blank) && blank >= 0 && blank < classes))
    throw new HebbError(`ctc: blank must be a class from 0 to ${classes - 1}, got ${blank}`);
  const most = at(rows.shape, 1);
  const times = lengthsOf("inputLengths", inputLengths, count, steps);
  const sizes = lengthsOf("targetLengths", targetLengths, count, most);
  const losses = likelihood(probs, rows, { times, sizes, blank }).neg();
  const finite = zeroInfinity ? where(losses.isinf(), 0, losses) : losses;
  const own = reduction === "mean" ? finite.div(sizes.clamp(1).to(probs.dtype)) : finite;
  const result = reduceLoss(own, reduction);
  return single && reduction === "none" ? result.squeeze(0) : result;
}

interface Sequences {
  readonly times: Tensor;
  readonly sizes: Tensor;
  readonly blank: number;
}

const never = Number.NEGATIVE_INFINITY;

/** ln of the probability of each row, by the forward variables of blank, label, blank, label, …, blank, step by step. */
function likelihood(probs: Tensor, rows: Tensor, { times, sizes, blank }: Sequences): Tensor {
  const [steps = 0, count = 0, classes = 0] = probs.shape;
  const most = at(rows.shape, 1);
  const { dtype } = probs;
  const used = arange(most).unsqueeze(0).lt(sizes.unsqueeze(1));
  const labels = checkedLabels("ctc", where(used, rows.to("int32"), blank), classes);
  const blanks = full([count, most, 1], blank, { dtype: "int32" });
  const wide = 2 * most + 1;
  const states = cat(
    [cat([blanks, labels.unsqueeze(2)], 2).reshape([count, 2 * most]), full([count, 1], blank, { dtype: "int32" })],
    1,
  );
  const before = (x: Tensor, by: number, fill: number): Tensor =>
    cat([full([count, Math.min(by, wide)], fill, { dtype: x.dtype }), x.slice(1, 0, Math.max(0, wide - by))], 1);
  // Two different labels may follow each other without a blank.
  const skips = states.ne(blank).logicalAnd(states.ne(before(states, 2, blank)));
  const emitted = probs.gather(2, states.unsqueeze(0).expand([steps, count, wide]));
  const start = where(arange(wide).unsqueeze(0).eq(0), zeros([1, wide], { dtype }), never).expand([count, wide]);
  const [last] = scan(
    (alpha: Tensor, { row, t }: { row: Tensor; t: Tensor }) => {
      const ways = stack([alpha, before(alpha, 1, never), where(skips, before(alpha, 2, never), never)]);
      const next = ways.logsumexp(0).add(row);
      return [where(t.lt(times).unsqueeze(1), next, alpha), undefined];
    },
    start,
    { row: emitted, t: arange(steps) },
  ) as [Tensor, undefined];
  const end = sizes.mul(2).unsqueeze(1);
  const place = arange(wide).unsqueeze(0);
  const ends = place.eq(end).logicalOr(place.eq(end.sub(1)));
  return where(ends, last, never).logsumexp(1);
}
