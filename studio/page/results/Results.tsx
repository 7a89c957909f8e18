// Results: the network's quality and its most useful columns, from its answers on the rows of the bar's figures.

import { useEffect } from "preact/hooks";
import * as say from "../../texts/en/results.ts";
import { playing, run, shownStep } from "../store.ts";
import { Columns } from "./Columns.tsx";
import { Decisions } from "./Decisions.tsx";
import { Pictures } from "./Pictures.tsx";
import { Residuals } from "./Residuals.tsx";
import { answers, measure, problem } from "./resultsStore.ts";
import { Worst } from "./Worst.tsx";

export function Results() {
  const info = run.value;
  const step = shownStep.value;
  const on = playing.value;
  useEffect(() => measure(on), [info, step, on]);
  const found = answers.value;
  if (info === undefined || found === undefined)
    return (
      <section class="panel" aria-label={say.results}>
        <p class={problem.value === "" ? "hint" : "notice bad"}>{problem.value || say.theRowsAreBeingMeasured}</p>
      </section>
    );
  return (
    <div class="results">
      <div class="half">
        {info.data.task === "number" ? (
          <Residuals info={info} found={found} />
        ) : (
          <Decisions info={info} found={found} />
        )}
      </div>
      <div class="half">{info.data.inputShape.length === 3 ? <Pictures info={info} /> : <Columns info={info} />}</div>
      <Worst info={info} found={found} />
    </div>
  );
}
