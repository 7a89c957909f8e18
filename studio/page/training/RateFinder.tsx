// The search for a learning rate: the loss while the rate grows at every step, and a click to apply the suggestion.

import { signal } from "@preact/signals";
import type { RateSearch } from "../../shared/training.ts";
import * as say from "../../texts/en/training.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { lineOf, Plot, tick } from "../draw/Plot.tsx";
import { short } from "../numbers.ts";
import { change, client, runKeyNow, state } from "../store.ts";

const found = signal<{ readonly of: string; readonly search: RateSearch } | undefined>(undefined);
const busy = signal(false);
const problem = signal("");

async function look(): Promise<void> {
  busy.value = true;
  problem.value = "";
  const of = runKeyNow({ lr: 0 });
  try {
    found.value = { of, search: await client.ask("rateSearch", null) };
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
  } finally {
    busy.value = false;
  }
}

const rounded = (rate: number): number => Number(rate.toPrecision(1));

/** An empty search, for the axes of the chart. */
const nothing = { rates: [], losses: [], suggested: undefined } as const;

function Curve({ search }: { readonly search: RateSearch | undefined }) {
  const { rates, losses, suggested } = search ?? nothing;
  const start = losses[0] ?? 1;
  const least = Math.min(start, ...losses);
  const up = { from: Math.max(0, least - 0.1 * (start - least)), to: Math.max(start * 1.6, least * 1.01 + 1e-9) };
  const points = rates.map((rate, k) => [Math.log10(rate), Math.min(up.to, losses[k] ?? Number.NaN)] as const);
  return (
    <>
      <Plot
        label={say.theLossWhileTheLearningRate}
        across={{ from: -5, to: 1, title: say.learningRate, show: (value) => tick(10 ** value) }}
        up={{ ...up, title: say.lossSmoothed }}
      >
        {(frame) => (
          <>
            <path class="chance" d={`M${frame.x(Math.log10(state.value.lr))} ${frame.y(up.from)}V${frame.y(up.to)}`} />
            <path class="curve" d={lineOf(frame, points)} />
            {suggested !== undefined && (
              <circle
                class="here"
                cx={frame.x(Math.log10(suggested))}
                cy={frame.y(Math.min(up.to, losses[rates.indexOf(suggested)] ?? up.to))}
                r="5"
              />
            )}
          </>
        )}
      </Plot>
      <AsTable
        label={say.lossesWhileTheLearningRateGrows}
        heads={[say.learningRate, say.lossSmoothed]}
        follows={found}
        rows={() => rates.map((rate, k) => [short(rate), short(losses[k] ?? Number.NaN)])}
      />
    </>
  );
}

export function RateFinder() {
  const now = found.value;
  const fits = now?.of === runKeyNow({ lr: 0 });
  const suggested = fits ? now?.search.suggested : undefined;
  return (
    <section class="panel" aria-labelledby="rate-title">
      <header>
        <h2 id="rate-title">{say.whichLearningRate}</h2>
        <button type="button" class="small steady" disabled={busy.value} onClick={() => void look()}>
          {busy.value ? say.looking : say.lookForOne}
        </button>
      </header>
      <p class="hint">{say.aShortTrainingFromTheInitial(short(state.value.lr))}</p>
      {problem.value !== "" && <p class="notice bad">{problem}</p>}
      {/* Reserves the room of the result when the search begins, so that nothing moves later. */}
      {(fits || busy.value) && (
        <>
          <Curve search={fits ? now?.search : undefined} />
          <div class="row rate-says">
            {suggested !== undefined && (
              <>
                <p>
                  {say.itFallsFastestAt(
                    <b>{short(suggested)}</b>,
                    now?.search.highest === undefined ? "" : say.andIsLowestAt(short(now.search.highest)),
                  )}
                </p>
                <button type="button" class="small accent" onClick={() => change({ lr: rounded(suggested) })}>
                  {say.trainWith(rounded(suggested))}
                </button>
              </>
            )}
          </div>
        </>
      )}
    </section>
  );
}
