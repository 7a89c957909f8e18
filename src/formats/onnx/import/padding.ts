// Padding: constant, reflect, edge or wrap; negative pads crop.
import { at } from "../../../graph/at.ts";
import { HebbError } from "../../../graph/errors.ts";
import { type Tensor, tensor } from "../../../tensor/index.ts";

export type PadMode = "constant" | "reflect" | "edge" | "wrap";

/** The index within 0 … size−1 that an outside index repeats. */
function source(place: number, size: number, mode: Exclude<PadMode, "constant">): number {
  switch (mode) {
    case "edge":
      return Math.min(Math.max(place, 0), size - 1);
    case "wrap":
      return ((place % size) + size) % size;
    case "reflect": {
      if (size === 1) return 0;
      const period = 2 * (size - 1);
      const within = ((place % period) + period) % period;
      return within < size ? within : period - within;
    }
  }
}

/** Pads every dim on both sides. */
export function padded(x: Tensor, pads: readonly (readonly [number, number])[], mode: PadMode, value: number): Tensor {
  if (mode === "constant") {
    let cut = x;
    for (const [dim, [before, after]] of pads.entries()) {
      const size = at(cut.shape, dim);
      const [start, end] = [Math.max(0, -before), size - Math.max(0, -after)];
      if (start > end) throw new HebbError(`pads of ${before} and ${after} cut more than a dim of ${size} has`);
      if (start > 0 || end < size) cut = cut.narrow(dim, start, end - start);
    }
    return cut.pad(
      pads.map(([before, after]) => [Math.max(0, before), Math.max(0, after)]),
      value,
    );
  }
  let out = x;
  for (const [dim, [before, after]] of pads.entries()) {
    if (before === 0 && after === 0) continue;
    const size = at(x.shape, dim);
    if (size === 0) throw new HebbError(`a dim of 0 has nothing to pad with in mode ${mode}`);
    const places = Int32Array.from({ length: size + before + after }, (_, place) => source(place - before, size, mode));
    out = out.indexSelect(dim, tensor(places));
  }
  return out;
}
