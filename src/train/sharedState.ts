// Sends a saved state from rank 0 to all ranks: only its machine needs the run folder.
import type { HostArray, NamedArrays } from "../formats/index.ts";
import { allocate, type DType } from "../graph/dtype.ts";
import { InternalError } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import { broadcastText, type Communicator } from "../runtime/index.ts";
import type { TrainState } from "./state.ts";

interface Outline {
  readonly json: TrainState["json"];
  readonly arrays: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }[];
}

/** Rank 0 passes its state, and all ranks get it. */
export function stateFromFirst(world: Communicator, state: TrainState | undefined): TrainState {
  if (world.rank === 0 && state === undefined) throw new InternalError("rank 0 has no state to tell");
  const outline: Outline = {
    json: state?.json ?? {},
    arrays: Object.entries(state?.tensors ?? {}).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  };
  const { json, arrays }: Outline = JSON.parse(broadcastText(world, JSON.stringify(outline)));
  const tensors: Record<string, HostArray> = Object.create(null);
  for (const { name, dtype, shape } of arrays) {
    const own = state?.tensors[name]?.data ?? allocate(dtype, sizeOf(shape));
    tensors[name] = { dtype, shape, data: world.broadcast(own) };
  }
  return { tensors: tensors satisfies NamedArrays, json };
}
