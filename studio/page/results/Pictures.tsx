// Pictures: the kernels of a convolution, every stage's maps of a chosen picture, and the pixels that matter for the answer.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunInfo, StageInfo } from "../../shared/protocol.ts";
import type { PictureAsk, PictureLook } from "../../shared/results.ts";
import * as say from "../../texts/en/results.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { mapOf } from "../draw/field.ts";
import { Pad } from "../draw/Pad.tsx";
import { Picture } from "../draw/Picture.tsx";
import { ScoreBars } from "../draw/ScoreBars.tsx";
import { Segments } from "../lab/controls.tsx";
import { client, hot, playing, run, shown } from "../store.ts";
import { Camera } from "./Camera.tsx";

const chosen = signal<PictureAsk>({ row: -1 });
const look = signal<{ readonly of: RunInfo; readonly found: PictureLook } | undefined>(undefined);
const problem = signal("");
const source = signal<"samples" | "drawing" | "camera">("samples");
let under = false;
let again = false;

/** Applies the current network to the chosen picture; of several requests the last counts. */
async function see(): Promise<void> {
  const of = run.value;
  if (of === undefined) return;
  if (under) {
    again = true;
    return;
  }
  under = true;
  const ask = chosen.value;
  const row = "row" in ask ? (of.data.samples?.rows.includes(ask.row) ? ask.row : (of.data.samples?.rows[0] ?? 0)) : -1;
  try {
    look.value = { of, found: await client.ask("look", "row" in ask ? { row } : ask) };
    problem.value = "";
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
  }
  under = false;
  if (again) {
    again = false;
    void see();
  }
}

const choose = (ask: PictureAsk): void => {
  chosen.value = ask;
  void see();
};

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Many small maps side by side, all on one scale around 0. */
function Maps({ label, values, count, side }: { label: string; values: Float32Array; count: number; side: number }) {
  const paint = ({ context, width }: Surface): void => {
    let scale = 1e-6;
    for (const value of values) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
    const across = Math.min(count, 8);
    const step = Math.min(64, (width - 2 * (across - 1)) / across);
    context.imageSmoothingEnabled = false;
    for (let map = 0; map < count; map++)
      context.drawImage(
        mapOf({ values, from: map * side * side, side }, colors.value, scale),
        (map % across) * (step + 2),
        Math.floor(map / across) * (step + 2),
        step,
        step,
      );
  };
  return (
    <div class="maps" style={{ "--rows": Math.ceil(count / Math.min(count, 8)), "--across": Math.min(count, 8) }}>
      <Canvas paint={paint} label={label} />
    </div>
  );
}

const mostMaps = 32;

function Kernels({ info }: { readonly info: RunInfo }) {
  shown.value;
  const convolutions = info.stages.flatMap((stage, place) => (stage.kind === "conv" ? [{ stage, place }] : []));
  if (convolutions.length === 0) return <p class="hint">{say.thisNetworkHasNoConvolutionSo}</p>;
  return (
    <>
      {convolutions.map(({ stage, place }) => {
        const layer = hot.snapshot?.layers[place - 1];
        if (layer === undefined) return null;
        const inputs = layer.weightShape[1] ?? 1;
        const count = Math.min(mostMaps, stage.units * inputs);
        return (
          <figure key={place}>
            <figcaption>
              {say.kernels(
                <b>{say.layer(place)}</b>,
                stage.units,
                inputs > 1 ? say.eachOfPlanes(inputs) : "",
                count < stage.units * inputs ? say.theFirstPlanes(count) : "",
              )}
            </figcaption>
            <Maps label={say.kernelsOfLayer(place)} values={layer.weight} count={count} side={3} />
          </figure>
        );
      })}
      <p class="hint">{say.blueWeightsAbove0OrangeBelow}</p>
    </>
  );
}

function Saliency({ found, shape }: { readonly found: PictureLook; readonly shape: readonly number[] }) {
  const [, height = 1, width = 1] = shape;
  const side = Math.max(height, width);
  const square = new Float32Array(side * side);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) square[y * side + x] = found.saliency[y * width + x] ?? 0;
  const paint = ({ context, width: across }: Surface): void => {
    context.imageSmoothingEnabled = false;
    const most = Math.max(1e-12, ...square);
    context.drawImage(mapOf({ values: square, from: 0, side }, colors.value, most), 0, 0, across, across);
  };
  return (
    <div class="saliency">
      <Canvas paint={paint} label={say.saliencyThePixelsThatTheAnswer} />
    </div>
  );
}

function Stages({ info, found }: { readonly info: RunInfo; readonly found: PictureLook }) {
  const maps = info.stages.flatMap((stage: StageInfo, place) => {
    const [units = 1, height = 1, width = 1] = stage.shape;
    return stage.kind === "conv" && height === width ? [{ place, units, side: width }] : [];
  });
  return (
    <>
      {maps.map(({ place, units, side }) => (
        <figure key={place}>
          <figcaption>{say.mapsOf(<b>{say.layer(place)}</b>, units, side, side)}</figcaption>
          <Maps
            label={say.featureMapsOfLayer(place)}
            values={found.stages[place - 1] ?? new Float32Array()}
            count={Math.min(units, mostMaps)}
            side={side}
          />
        </figure>
      ))}
    </>
  );
}

const sources = [
  ["samples", say.trainingPictures],
  ["drawing", say.drawOne],
  ["camera", "camera"],
] as const;

export function Pictures({ info }: { readonly info: RunInfo }) {
  const pictures = shown.value;
  const on = playing.value;
  useEffect(() => {
    if (!on || pictures % 10 === 0) void see();
  }, [info, pictures, on]);
  const { samples, inputShape, target } = info.data;
  const found = look.value?.of === info ? look.value.found : undefined;
  const each = size(inputShape);
  const ask = chosen.value;
  const first = samples?.rows.includes("row" in ask ? ask.row : -1) !== true;
  return (
    <>
      <section class="panel" aria-labelledby="look-title">
        <header>
          <h2 id="look-title">{say.onePictureLookedAt}</h2>
          <Segments
            label={say.whichPicture}
            value={source.value}
            options={sources}
            choose={(name) => {
              source.value = name;
              if (name === "samples") choose({ row: -1 });
            }}
          />
        </header>
        {source.value === "samples" && (
          <div class="thumbs" role="group" aria-label={say.picturesToLookAt}>
            {samples?.rows.map((row, place) => (
              <button
                key={row}
                type="button"
                class="thumb-button"
                aria-pressed={"row" in ask && (ask.row === row || (first && place === 0))}
                aria-label={say.pictureOfRow(row + 1)}
                onClick={() => choose({ row })}
              >
                <Picture
                  label=""
                  shape={inputShape}
                  values={samples.values.subarray(place * each, (place + 1) * each)}
                />
              </button>
            ))}
          </div>
        )}
        {source.value === "drawing" && (
          <Pad shape={inputShape} use={(inputs) => choose({ inputs })} clear={() => choose({ row: -1 })} />
        )}
        {source.value === "camera" && <Camera shape={inputShape} use={(inputs) => choose({ inputs })} />}
        {problem.value !== "" && <p class="notice bad">{problem}</p>}
        {found !== undefined && (
          <>
            <div class="looked">
              <figure>
                <figcaption>
                  <b>{say.whatItSees}</b>
                </figcaption>
                <Picture label={say.thePictureAsTheNetworkTakes} shape={inputShape} values={found.picture} />
              </figure>
              <figure>
                <figcaption>
                  <b>{say.saliency}</b>
                </figcaption>
                <Saliency found={found} shape={inputShape} />
              </figure>
              <div class="answer">
                <p>
                  {target}: <b>{found.reading.label}</b>
                </p>
                <ScoreBars scores={[...found.reading.scores].sort((a, b) => b.value - a.value).slice(0, 5)} />
              </div>
            </div>
            <p class="hint">{say.saliencyHowMuchTheAnswerChanges}</p>
            <Stages info={info} found={found} />
          </>
        )}
      </section>
      <section class="panel" aria-labelledby="kernels-title">
        <header>
          <h2 id="kernels-title">{say.kernels2}</h2>
        </header>
        <Kernels info={info} />
      </section>
    </>
  );
}
