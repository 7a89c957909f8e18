// For numbers: predictions against the truth, the residuals, and their distribution.

import * as metrics from "../../../src/train/metrics.ts";
import type { RunInfo } from "../../shared/protocol.ts";
import type { Results } from "../../shared/results.ts";
import * as say from "../../texts/en/results.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Plot } from "../draw/Plot.tsx";
import { short } from "../numbers.ts";
import { rowsOf } from "./Decisions.tsx";
import { answers } from "./resultsStore.ts";

const mostDots = 500;
const bins = 24;

export function extentOf(values: ArrayLike<number>): { from: number; to: number } {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let k = 0; k < values.length; k++) {
    const value = values[k] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    from = Math.min(from, value);
    to = Math.max(to, value);
  }
  if (from > to) return { from: 0, to: 1 };
  const margin = 0.04 * (to - from) || 1;
  return { from: from - margin, to: to + margin };
}

export function Residuals({ info, found }: { readonly info: RunInfo; readonly found: Results }) {
  const { target } = info.data;
  const { outputs, truth, rows } = found;
  const residuals = outputs.map((said, row) => said - (truth[row] ?? 0));
  const said = extentOf(outputs);
  const off = extentOf(residuals);
  const counts = new Array<number>(bins).fill(0);
  for (const residual of residuals) {
    const bin = Math.min(bins - 1, Math.floor(((residual - off.from) / (off.to - off.from)) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const shown = Math.min(rows, mostDots);
  return (
    <section class="panel" aria-labelledby="residuals-title">
      <header>
        <h2 id="residuals-title">{say.residualsOf(target)}</h2>
        <p class="hint steady">
          {say.rMeanAbsoluteErrorRootMean(
            rowsOf(found),
            found.onTest ? say.test : say.train,
            short(metrics.r2(outputs, truth)),
            short(metrics.mae(outputs, truth)),
            short(metrics.rmse(outputs, truth)),
          )}
        </p>
      </header>
      <div class="figure-pair">
        <figure>
          <figcaption>{say.overThePrediction(<b>{say.predictedTrue}</b>)}</figcaption>
          <Plot
            label={say.residualsOfOverWhatTheNetwork(target)}
            across={{ ...said, title: say.predicted(target) }}
            up={{ ...off, title: say.predictedTrue2 }}
          >
            {(frame) => (
              <>
                <path class="chance" d={`M${frame.x(said.from)} ${frame.y(0)}H${frame.x(said.to)}`} />
                {Array.from({ length: shown }, (_, row) => (
                  <circle
                    key={row}
                    class="dot faint"
                    cx={frame.x(outputs[row] ?? 0)}
                    cy={frame.y(residuals[row] ?? 0)}
                    r="2.4"
                  />
                ))}
              </>
            )}
          </Plot>
        </figure>
        <figure>
          <figcaption>
            {say.mean(<b>{say.spread}</b>, short(residuals.reduce((sum, one) => sum + one, 0) / rows))}
          </figcaption>
          <Plot
            label={say.howTheResidualsAreSpread}
            across={{ ...off, title: say.predictedTrue2 }}
            up={{ from: 0, to: Math.max(1, ...counts), title: say.rows }}
          >
            {(frame) =>
              counts.map((count, bin) => {
                const from = off.from + ((off.to - off.from) * bin) / bins;
                const to = off.from + ((off.to - off.from) * (bin + 1)) / bins;
                return (
                  <rect
                    key={bin}
                    class={(from + to) / 2 < 0 ? "bar low" : "bar high"}
                    x={frame.x(from) + 0.5}
                    width={frame.x(to) - frame.x(from) - 1}
                    y={frame.y(count)}
                    height={frame.y(0) - frame.y(count)}
                  />
                );
              })
            }
          </Plot>
        </figure>
      </div>
      {shown < rows && <p class="hint">{say.dotsTheFirstRows(shown)}</p>}
      <p class="hint">{say.residualsThatLieAround0Everywhere}</p>
      <AsTable
        label={say.residuals}
        heads={[say.trueWord, say.predicted2, say.predictedTrue2]}
        follows={answers}
        rows={() =>
          Array.from({ length: shown }, (_, row) => [
            short(truth[row] ?? 0),
            short(outputs[row] ?? 0),
            short(residuals[row] ?? 0),
          ])
        }
      />
    </section>
  );
}
