// A network that starts with the weights of a finished run or of a file instead of random ones.

import { HebbError } from "../../src/index.ts";
import { Tabular } from "../../src/train/index.ts";
import type { Beginning, DataInfo, SavedTensor } from "../shared/protocol.ts";
import * as say from "../texts/en/engine.ts";
import type { Network } from "./network.ts";

/** Merges two outputs, one for each class, into the page's single output: their difference gives the same decision. */
function asOne({ name, data, shape }: SavedTensor): SavedTensor {
  const width = data.length / 2;
  return {
    name,
    shape: [1, ...shape.slice(1)],
    data: Float32Array.from({ length: width }, (_, k) => (data[width + k] ?? 0) - (data[k] ?? 0)),
  };
}

/** The same for the last layer of an ensemble, whose outputs are the last dim. */
function asOneOfMembers(one: SavedTensor): SavedTensor {
  const { name, data, shape } = one;
  if ((name !== "weight" && name !== "bias") || shape.at(-1) !== 2) return one;
  return {
    name,
    shape: [...shape.slice(0, -1), 1],
    data: Float32Array.from({ length: data.length / 2 }, (_, k) => (data[2 * k + 1] ?? 0) - (data[2 * k] ?? 0)),
  };
}

/** Copies the run's weights into the layers, in their order. Throws HebbError where they do not fit. */
export function takeWeights({ layers, model }: Network, { name, weights }: Beginning, { task }: DataInfo): void {
  // Batch norm has more state than the layers' weights: a file of the same network names all of it.
  const held = Object.keys(model.stateDict());
  if (
    held.length > 2 * layers.length &&
    held.length === weights.length &&
    weights.every((one) => held.includes(one.name))
  ) {
    const states = weights.map((one) => {
      const { name: key, shape, data } = model instanceof Tabular && task === "binary" ? asOneOfMembers(one) : one;
      return [key, { dtype: "float32" as const, shape, data: Float32Array.from(data) }];
    });
    model.loadStateDict(Object.fromEntries(states));
    return;
  }
  const wanted = layers.flatMap(({ weight, bias }) => (bias === undefined ? [weight] : [weight, bias]));
  const last = wanted.length - (layers.at(-1)?.bias === undefined ? 1 : 2);
  if (weights.length !== wanted.length)
    throw new HebbError(say.hasWeightsAndBiasesTheNetwork(name, weights.length, wanted.length));
  const fitted = weights.map((one, place) =>
    place >= last && task === "binary" && one.shape[0] === 2 ? asOne(one) : one,
  );
  fitted.forEach(({ shape }, place) => {
    const here = wanted[place]?.shape ?? [];
    if (shape.join() !== here.join())
      throw new HebbError(say.layerOfIsHereItOpens(Math.floor(place / 2) + 1, name, shape.join(", "), here.join(", ")));
  });
  fitted.forEach(({ data }, place) => {
    wanted[place]?.assign(Float32Array.from(data));
  });
}
