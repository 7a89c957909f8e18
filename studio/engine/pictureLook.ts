// A network's view of one picture: the maps of every stage, its answer, and the pixels that matter for the answer.

import { HebbError, noGrad, type Tensor, tensor, valueAndGrad } from "../../src/index.ts";
import type { PictureAsk, PictureLook } from "../shared/results.ts";
import * as say from "../texts/en/engine.ts";
import { squash } from "./network.ts";
import { inputsOf, readingOf } from "./predict.ts";
import { pictureOf } from "./results.ts";
import { decide, type Session } from "./session.ts";

/** One picture as the network's input. */
function given(session: Session, ask: PictureAsk): Float32Array {
  if ("inputs" in ask) return inputsOf(session, ask);
  const { trainPart } = session;
  if (!(ask.row >= 0 && ask.row < trainPart.rows))
    throw new HebbError(say.thereIsNoTrainingRowThere(ask.row + 1, trainPart.rows));
  return Float32Array.from(trainPart.x.narrow(0, ask.row, 1).dataSync());
}

/** Saliency: |∂(output of the predicted class) / ∂ pixel|, the largest over the channels. Source: Simonyan et al. 2013. */
export function lookAt(session: Session, ask: PictureAsk): PictureLook {
  const { prepared, network } = session;
  const { info } = prepared;
  if (info.inputShape.length !== 3) throw new HebbError(say.thisNetworkTakesNumbersNotA);
  const inputs = given(session, ask);
  const x = tensor(inputs, { shape: [1, ...info.inputShape] });
  network.model.eval();
  const stages = noGrad(() => network.valuesOf(x)).map((value) => Float32Array.from(value.dataSync()));
  const answers = Float32Array.from(noGrad(() => squash(info, network.model.forward(x))).dataSync());
  const said = decide(answers, 0, answers.length);
  const output = (picture: Tensor): Tensor =>
    network.model
      .forward(picture)
      .narrow(1, answers.length === 1 ? 0 : said, 1)
      .sum();
  const [, [slope]] = valueAndGrad(output)(x);
  const slopes = Float32Array.from(slope?.dataSync() ?? []);
  network.model.train();
  const [, height = 1, width = 1] = info.inputShape;
  const plane = height * width;
  const saliency = new Float32Array(plane);
  slopes.forEach((value, k) => {
    saliency[k % plane] = Math.max(saliency[k % plane] ?? 0, Math.abs(value));
  });
  return { picture: pictureOf(prepared, inputs), stages, saliency, reading: readingOf(prepared, answers) };
}
