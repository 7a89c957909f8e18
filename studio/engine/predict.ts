// Applies the trained network to one case: raw cells of a table, or the network's input numbers.

import { data, HebbError, noGrad, tensor } from "../../src/index.ts";
import { derived } from "../shared/features.ts";
import type { PredictAsk, Prediction } from "../shared/protocol.ts";
import * as say from "../texts/en/engine.ts";
import type { Prepared } from "./data.ts";
import { squash } from "./network.ts";
import { decide, type Session } from "./session.ts";
import { encodeContext } from "./words.ts";

/** The network's inputs, from the visitor's input. */
export function inputsOf({ prepared, state }: Session, ask: PredictAsk): Float32Array {
  const { info, table, images } = prepared;
  const size = info.inputShape.reduce((product, extent) => product * extent, 1);
  if ("cells" in ask) {
    if (table === undefined) throw new HebbError(say.thisNetworkTakesNumbersNotThe);
    return data.applyPreprocessing(table, data.Table.fromRows([ask.cells], say.theForm), { targets: "none" }).features;
  }
  if ("text" in ask) return encodeContext(ask.text.toLowerCase());
  if (info.given < size && ask.inputs.length === info.given) return derived(ask.inputs, state.features);
  if (ask.inputs.length !== size) throw new HebbError(say.theNetworkTakesNumbersGot(size, ask.inputs.length));
  if (images === undefined) return Float32Array.from(ask.inputs);
  // Pixels are from 0 to 1; images of a file were scaled by the mean and spread of each channel.
  const plane = size / images.mean.length;
  return Float32Array.from(ask.inputs, (value, place) => {
    const channel = Math.floor(place / plane);
    return (255 * value - (images.mean[channel] ?? 0)) / (images.scale[channel] ?? 1);
  });
}

export function predict(session: Session, ask: PredictAsk): Prediction {
  const { prepared, network } = session;
  const { info } = prepared;
  const inputs = inputsOf(session, ask);
  network.model.eval();
  const output = noGrad(() => squash(info, network.model.forward(tensor(inputs, { shape: [1, ...info.inputShape] }))));
  const values = Float32Array.from(output.dataSync());
  network.model.train();
  return readingOf(prepared, values);
}

/** The answers for one case, in the words of the data. */
export function readingOf({ info, table }: Prepared, values: Float32Array): Prediction {
  if (info.task === "number") {
    const raw = values[0] ?? 0;
    const value = table?.target.kind === "number" ? data.inverseTarget(table.target, raw) : raw;
    return { label: String(Number(value.toPrecision(5))), scores: [{ name: info.target, value }] };
  }
  const chances = info.task === "binary" ? [1 - (values[0] ?? 0), values[0] ?? 0] : [...values];
  return {
    label: info.classes[decide(values, 0, values.length)] ?? "",
    scores: info.classes.map((name, place) => ({ name, value: chances[place] ?? 0 })),
  };
}
