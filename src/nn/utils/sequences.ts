// Packs sequences of different lengths into one padded tensor, and splits it again.

import { at } from "../../graph/at.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import { greatest } from "../../graph/extremes.ts";
import * as kind from "../../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape, sameShape } from "../../graph/shape.ts";
import { given, givenList } from "../../tensor/arguments.ts";
import { cat, full, stack, type Tensor } from "../../tensor/index.ts";

export interface PadSequenceOptions {
  /** [N, T, …] instead of [T, N, …]. Default false. */
  readonly batchFirst?: boolean;
  /** Default 0. */
  readonly paddingValue?: number;
  /** Default "right". */
  readonly paddingSide?: "left" | "right";
}

const padKinds: OptionKinds<PadSequenceOptions> = {
  batchFirst: kind.boolean,
  paddingValue: kind.number,
  paddingSide: kind.oneOf("left", "right"),
};

/** Pads sequences [Tₖ, …] to the longest and stacks them: [T, N, …]. Source: torch.nn.utils.rnn.pad_sequence. */
export function padSequence(sequences: readonly Tensor[], options: PadSequenceOptions = {}): Tensor {
  const [first, ...rest] = givenList("padSequence", sequences);
  const {
    batchFirst = false,
    paddingValue = 0,
    paddingSide = "right",
  } = checkOptions("padSequence", options, padKinds);
  if (first === undefined || first.rank === 0)
    throw new ShapeError("padSequence: takes at least one sequence, each with a dim of steps");
  const [, ...tail] = first.shape;
  const odd = rest.find(({ shape, rank }) => rank === 0 || !sameShape(shape.slice(1), tail));
  if (odd !== undefined)
    throw new ShapeError(
      `padSequence: sequences may differ only in their first dim, got ${formatShape(first.shape)} and ${formatShape(odd.shape)}`,
    );
  const longest = greatest([first, ...rest].map(({ shape }) => at(shape, 0)));
  const padded = [first, ...rest].map((sequence) => {
    const missing = longest - at(sequence.shape, 0);
    if (missing === 0) return sequence;
    const filling = full([missing, ...tail], paddingValue, { dtype: sequence.dtype });
    return cat(paddingSide === "right" ? [sequence, filling] : [filling, sequence]);
  });
  return stack(padded, batchFirst ? 0 : 1);
}

/** The sequences of a padded tensor, by their lengths. Source: torch.nn.utils.rnn.unpad_sequence. */
export function unpadSequence(
  padded: Tensor,
  lengths: readonly number[],
  options: { readonly batchFirst?: boolean } = {},
): Tensor[] {
  given("unpadSequence", padded, "the padded tensor");
  checkKind("unpadSequence", "the lengths", lengths, kind.numbers);
  const { batchFirst = false } = checkOptions("unpadSequence", options, { batchFirst: kind.boolean });
  const [count, longest] = batchFirst ? padded.shape : [padded.shape[1], padded.shape[0]];
  if (padded.rank < 2 || count !== lengths.length || longest === undefined)
    throw new ShapeError(`unpadSequence: ${lengths.length} lengths do not fit ${formatShape(padded.shape)}`);
  const odd = lengths.find((length) => !(Number.isInteger(length) && length >= 0 && length <= longest));
  if (odd !== undefined)
    throw new HebbError(`unpadSequence: lengths must be whole numbers from 0 to ${longest}, got ${odd}`);
  return lengths.map((length, place) => padded.select(batchFirst ? 0 : 1, place).slice(0, 0, length));
}
