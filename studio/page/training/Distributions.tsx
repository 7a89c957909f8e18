// The distribution of weights, activations and slopes of each layer over the steps, and at one of them as a histogram.

import { signal } from "@preact/signals";
import { type Film, type FilmFrame, type Kind, kinds, type Spread } from "../../shared/training.ts";
import * as say from "../../texts/en/training.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { type Frame, lineOf, Plot } from "../draw/Plot.tsx";
import { Segments } from "../lab/controls.tsx";
import { grouped, short } from "../numbers.ts";

const kind = signal<Kind>("weights");
/** The index of the frame whose histograms are shown; the last by default. */
const looked = signal(Number.POSITIVE_INFINITY);

const about: Readonly<Record<Kind, string>> = {
  weights: say.theWeights,
  activations: say.whatTheUnitsGiveOverRows,
  gradients: say.theSlopesOfTheLossIn,
};

const from = (spread: Spread | undefined): number => spread?.quantiles[0] ?? Number.NaN;
const to = (spread: Spread | undefined): number => spread?.quantiles.at(-1) ?? Number.NaN;

/** The area between two quantiles. */
function band(
  frame: Frame,
  frames: readonly FilmFrame[],
  spreads: readonly (Spread | undefined)[],
  low: number,
  high: number,
): string {
  const line = (place: number) =>
    frames.map(({ step }, k) => [step, spreads[k]?.quantiles[place] ?? Number.NaN] as const);
  return `${lineOf(frame, line(low))}${lineOf(frame, [...line(high)].reverse()).replace("M", "L")}Z`;
}

function Layer({ frames, place, name, at }: { frames: readonly FilmFrame[]; place: number; name: string; at: number }) {
  const spreads = frames.map(({ layers }) => layers[place]?.[kind.value]);
  const lows = spreads.map(from).filter(Number.isFinite);
  const highs = spreads.map(to).filter(Number.isFinite);
  const low = Math.min(...lows, 0);
  const high = Math.max(...highs, low + 1e-6);
  const up = { from: low, to: high };
  const first = frames[0]?.step ?? 0;
  const last = Math.max(first + 1, frames.at(-1)?.step ?? 0);
  const here = spreads[at];
  const most = Math.max(1, ...(here?.counts ?? []));
  const width = (last - first) * 0.001;
  return (
    <figure>
      <figcaption>
        {say.medianFromTo(<b>{name}</b>, short(here?.quantiles[3] ?? Number.NaN), short(from(here)), short(to(here)))}
      </figcaption>
      <div class="spread-pair">
        <Plot
          small
          label={say.ofOverTheSteps(kind.value, name)}
          across={{ from: first, to: last, title: say.step }}
          up={{ ...up, title: kind.value }}
        >
          {(frame) => (
            <>
              <path class="band" d={band(frame, frames, spreads, 0, 6)} />
              <path class="band" d={band(frame, frames, spreads, 1, 5)} />
              <path class="band" d={band(frame, frames, spreads, 2, 4)} />
              <path
                class="curve"
                d={lineOf(
                  frame,
                  frames.map(({ step }, k) => [step, spreads[k]?.quantiles[3] ?? Number.NaN]),
                )}
              />
              <path class="axis" d={`M${frame.x((frames[at]?.step ?? 0) + width)} ${frame.y(low)}V${frame.y(high)}`} />
            </>
          )}
        </Plot>
        <Plot
          small
          label={say.histogramOfTheOfAtStep(kind.value, name, frames[at]?.step ?? 0)}
          across={{ ...up, title: say.atStep(kind.value, grouped(frames[at]?.step ?? 0)) }}
          up={{ from: 0, to: most, title: say.count }}
        >
          {(frame) =>
            (here?.counts ?? []).map((count, k) => {
              const [a = 0, b = 0] = [here?.edges[k], here?.edges[k + 1]];
              return (
                <rect
                  key={k}
                  class={(a + b) / 2 < 0 ? "bar low" : "bar high"}
                  x={frame.x(a)}
                  width={Math.max(1, frame.x(b) - frame.x(a) - 0.6)}
                  y={frame.y(count)}
                  height={frame.y(0) - frame.y(count)}
                />
              );
            })
          }
        </Plot>
      </div>
    </figure>
  );
}

export function Distributions({ found }: { readonly found: Film }) {
  const { frames } = found;
  const at = Math.min(looked.value, frames.length - 1);
  const layers = frames[0]?.layers.length ?? 0;
  const name = (place: number): string => (place === layers - 1 ? say.output : say.layer(place + 1));
  return (
    <>
      <div class="row">
        <Segments
          label={say.show}
          value={kind.value}
          options={kinds.map((one) => [one, one])}
          choose={(one) => {
            kind.value = one;
          }}
        />
        <div class="field slider film-slider">
          <label for="film-step">{say.lookAtStep}</label>
          <output for="film-step">{grouped(frames[at]?.step ?? 0)}</output>
          <input
            id="film-step"
            type="range"
            min={0}
            max={frames.length - 1}
            value={at}
            aria-valuetext={say.step2(frames[at]?.step ?? 0)}
            onInput={({ currentTarget }) => {
              looked.value = Number(currentTarget.value);
            }}
          />
        </div>
      </div>
      <div class="spreads">
        {Array.from({ length: layers }, (_, place) => (
          <Layer key={place} frames={frames} place={place} name={name(place)} at={at} />
        ))}
      </div>
      <p class="hint">{say.theLineIsTheMedianThe(about[kind.value], grouped(found.rows))}</p>
      <AsTable
        label={say.howTheValuesAreSpread}
        heads={[say.layer2, say.least, "5 %", "25 %", say.median, "75 %", "95 %", say.largest]}
        follows={kind}
        rows={() =>
          Array.from({ length: layers }, (_, place) => [
            name(place),
            ...(frames[at]?.layers[place]?.[kind.value].quantiles ?? []).map(short),
          ])
        }
      />
    </>
  );
}
