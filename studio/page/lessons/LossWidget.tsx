// Lesson 6: the gradient of each loss for a confident mistake and for an outlier.

import { useEffect, useState } from "preact/hooks";
import { type LossName, lossTitles } from "../../shared/names.ts";
import type { Plotted } from "../../shared/protocol.ts";
import * as say from "../../texts/en/lessons.ts";
import { colors } from "../draw/colors.ts";
import { Range } from "../lab/controls.tsx";
import { exact, short } from "../numbers.ts";
import { client } from "../store.ts";
import { Answer } from "./Answer.tsx";
import { FunctionPlot, valueAt } from "./FunctionPlot.tsx";
import { mark } from "./marks.ts";

type Named = Plotted & { readonly name: LossName };
const dashes: readonly (readonly number[])[] = [[], [6, 4], [2, 3]];

export function LossWidget() {
  const [plotted, setPlotted] = useState<readonly Named[]>([]);
  const [z, setZ] = useState(0);
  useEffect(() => void client.ask("losses", "classes").then(setPlotted), []);
  const palette = colors.value;
  const hues = [palette.high, palette.low, palette.accent];
  const pull = (name: LossName, place: number): number => {
    const line = plotted.find((one) => one.name === name);
    return line === undefined ? Number.NaN : Math.abs(valueAt({ at: line.at, values: line.slope }, place));
  };
  const move = (value: number): void => {
    setZ(value);
    if (pull("mse", value) < 0.01 && pull("bce", value) > 0.9) mark("confident");
  };
  return (
    <section class="panel widget" aria-labelledby="loss-title">
      <header>
        <h2 id="loss-title">{say.aPointOfClass1}</h2>
        <p class="legend">
          {plotted.map(({ name }, k) => (
            <span key={name} class="class-name">
              <b style={{ color: hues[k] }}>{k === 0 ? "━" : "╍"}</b> {lossTitles[name]}
            </span>
          ))}
        </p>
      </header>
      {plotted.length > 0 && (
        <FunctionPlot
          label={say.lossesOfAPointOfClass}
          low={0}
          high={8}
          marker={z}
          lines={plotted.map(({ name, at, value }, k) => ({
            name,
            at,
            values: value,
            color: hues[k] ?? palette.ink,
            dash: dashes[k] ?? [],
          }))}
        />
      )}
      <Range id="loss-z" label={say.zOfThePoint} value={z} min={-8} max={8} step={0.1} show={short} choose={move} />
      <p class="formula">{say.crossEntropyPullsWithSquaredError(exact(pull("bce", z)), exact(pull("mse", z)))}</p>
      <Answer label={say.hubersSlopeAtADistanceOf} name="outlier" truth={1} tolerance={0.001} />
    </section>
  );
}
