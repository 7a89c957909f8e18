// Training: the internals of a run – values, slopes, its path through the landscape – and the largest usable learning rate.

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunInfo } from "../../shared/protocol.ts";
import type { Film } from "../../shared/training.ts";
import * as say from "../../texts/en/training.ts";
import { LandscapeView } from "../compare/LandscapeView.tsx";
import { AsTable } from "../draw/AsTable.tsx";
import { lineOf, Plot, tick } from "../draw/Plot.tsx";
import { grouped, short } from "../numbers.ts";
import { client, failure, playing, run, shownStep } from "../store.ts";
import { Distributions } from "./Distributions.tsx";
import { RateFinder } from "./RateFinder.tsx";

const told = signal<{ readonly of: RunInfo; readonly found: Film } | undefined>(undefined);
/** The film of the current run; undefined if it belongs to another. */
const film = computed(() => (told.value?.of === run.value ? told.value?.found : undefined));
const busy = signal(false);
const problem = signal("");
/** The run and the step of the film, so that it is not repeated needlessly. */
let filmed: readonly [of: RunInfo | undefined, step: number] = [undefined, -1];

async function take(of: RunInfo, step: number): Promise<void> {
  if (busy.value || (filmed[0] === of && filmed[1] === step)) return;
  filmed = [of, step];
  busy.value = true;
  try {
    told.value = { of, found: await client.ask("film", null) };
    problem.value = "";
  } catch (error) {
    problem.value = failure.value || (error instanceof Error ? error.message : String(error));
  } finally {
    busy.value = false;
  }
}

/** A power of ten, as a tick label. */
const power = (value: number): string => tick(10 ** value);

function GradientNorms({ found }: { readonly found: Film }) {
  const { frames } = found;
  const layers = frames[0]?.layers.length ?? 0;
  const logs = frames.map(({ step, layers: own }) => ({
    step,
    values: own.map(({ gradientNorm }) => Math.log10(Math.max(1e-12, gradientNorm))),
  }));
  const all = logs.flatMap(({ values }) => values).filter(Number.isFinite);
  const up = { from: Math.floor(Math.min(-1, ...all)), to: Math.ceil(Math.max(0, ...all)) };
  const last = frames.at(-1)?.step ?? 1;
  const name = (place: number): string => (place === layers - 1 ? say.output : say.layer(place + 1));
  return (
    <section class="panel" aria-labelledby="norms-title">
      <header>
        <h2 id="norms-title">{say.lengthOfTheSlopeLayerBy}</h2>
        <p class="hint">{say.ofTheLossOverTheFirst(grouped(found.rows))}</p>
      </header>
      <Plot
        label={say.theLengthOfTheGradientOf}
        across={{ from: frames[0]?.step ?? 0, to: Math.max(last, (frames[0]?.step ?? 0) + 1), title: say.step }}
        up={{ ...up, title: say.lengthOfTheSlope, show: power }}
      >
        {(frame) =>
          Array.from({ length: layers }, (_, place) => (
            <path
              key={place}
              class={`curve series-${place % 10}`}
              d={lineOf(
                frame,
                logs.map(({ step, values }) => [step, values[place] ?? Number.NaN]),
              )}
            />
          ))
        }
      </Plot>
      <p class="legend">
        {Array.from({ length: layers }, (_, place) => (
          <span key={place} class={`class-name series-${place % 10}`}>
            <span class="swatch" aria-hidden="true" /> {name(place)}
          </span>
        ))}
      </p>
      <p class="hint">{say.whereTheFirstLayersSlopesAre}</p>
      <AsTable
        label={say.lengthOfTheSlopeOfEach}
        heads={[say.step, ...Array.from({ length: layers }, (_, place) => name(place))]}
        follows={film}
        rows={() =>
          frames.map(({ step, layers: own }) => [String(step), ...own.map(({ gradientNorm }) => short(gradientNorm))])
        }
      />
    </section>
  );
}

export function Training() {
  const info = run.value;
  const on = playing.value;
  const step = on ? -1 : shownStep.value;
  const taking = busy.value;
  useEffect(() => {
    if (info !== undefined && !on && !taking) void take(info, step);
  }, [info, step, on, taking]);
  const found = film.value;
  const looks = found?.frames.length ?? 0;
  return (
    // A separate view before the first film, with one frame and with many, so that one does not displace the parts of another.
    <div class="training" key={String(Math.min(2, looks))}>
      <section class="panel wide" aria-labelledby="film-title">
        <header>
          <h2 id="film-title">{say.whatHappenedInsideTheRun}</h2>
          <p class="hint steady" role="status">
            {problem.value !== ""
              ? problem.value
              : taking
                ? say.theRunIsTakenAgainFrom
                : on
                  ? say.thePictureIsTakenAtA
                  : found === undefined
                    ? ""
                    : say.looksFromStepTo(
                        found.frames.length,
                        grouped(found.frames[0]?.step ?? 0),
                        grouped(found.frames.at(-1)?.step ?? 0),
                        (found.frames.at(-1)?.step ?? 0) < found.wanted
                          ? say.ofTheRestWouldHaveTaken(grouped(found.wanted))
                          : "",
                      )}
          </p>
        </header>
        {found === undefined || found.frames.length < 2 ? (
          <p class="hint awaited">{found === undefined ? "" : say.thereIsOneLookSoFar}</p>
        ) : (
          <Distributions found={found} />
        )}
      </section>
      <div class="half">
        {found !== undefined && found.frames.length > 1 && <GradientNorms found={found} />}
        {(found !== undefined || problem.value !== "") && <RateFinder />}
      </div>
      <div class="half">
        {found !== undefined && <LandscapeView landscape={found.landscape} names={[say.thisRun]} />}
      </div>
    </div>
  );
}
