// Lessons 9 and 10: how rows form batches, and the meaning of training and test figures.
import * as say from "../../texts/en/lessons.ts";
import { Slider } from "../lab/controls.tsx";
import { counts } from "../lab/DataPanel.tsx";
import { grouped, percent, short } from "../numbers.ts";
import { change, hot, run, shown, state } from "../store.ts";
import { Answer } from "./Answer.tsx";

/** The batch size in the question. */
const asked = 16;

export function BatchWidget() {
  const rows = run.value?.data.trainCount ?? 0;
  return (
    <section class="panel widget" aria-labelledby="batch-title">
      <header>
        <h2 id="batch-title">{say.rowsBatchesSteps}</h2>
      </header>
      <p>{say.thereAreTrainingRowsAStep(<b>{rows}</b>)}</p>
      <Answer
        label={say.stepsInAnEpochWithBatches(asked)}
        name="steps"
        truth={rows === 0 ? undefined : Math.ceil(rows / asked)}
        tolerance={0.001}
      />
    </section>
  );
}

export function HeldOutWidget() {
  shown.value;
  const { train, test } = hot.snapshot?.now ?? {};
  const row = (name: string, figures: typeof train) => (
    <tr>
      <th scope="row">{name}</th>
      <td>{figures === undefined ? "–" : short(figures.loss)}</td>
      <td>{figures === undefined ? "–" : percent(figures.metric)}</td>
    </tr>
  );
  return (
    <section class="panel widget" aria-labelledby="held-title">
      <header>
        <h2 id="held-title">{say.seenAndUnseen}</h2>
      </header>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={say.figuresOfTrainAndTestRows}>
        <table>
          <thead>
            <tr>
              <th scope="col">{say.rows}</th>
              <th scope="col">{say.loss}</th>
              <th scope="col">{say.accuracy}</th>
            </tr>
          </thead>
          <tbody>
            {row(say.train, train)}
            {row(say.test, test)}
          </tbody>
        </table>
      </div>
      <Answer
        label={say.percentOfNewRowsThatIt}
        name="new"
        // Before training both figures agree.
        truth={(hot.snapshot?.step ?? 0) > 0 && test !== undefined ? 100 * test.metric : undefined}
        tolerance={0.6}
      />
      <Slider
        label={say.pointsHalfOfThemForTesting}
        value={state.value.count}
        stops={counts}
        show={grouped}
        choose={(count) => change({ count })}
      />
    </section>
  );
}
