// Lesson 7: one update by hand, then a race whose winner must be named.

import { useState } from "preact/hooks";
import { lessons } from "../../shared/lessons.ts";
import { type OptimizerName, optimizers } from "../../shared/names.ts";
import { startState } from "../../shared/state.ts";
import * as say from "../../texts/en/lessons.ts";
import { Choice } from "../lab/controls.tsx";
import { short } from "../numbers.ts";
import { change, client } from "../store.ts";
import { Answer } from "./Answer.tsx";
import { mark } from "./marks.ts";

const racers = ["sgd", "momentum", "rmsprop", "adam"] as const satisfies readonly OptimizerName[];
const lanes = racers.slice(1).map((optimizer) => ({ optimizer }));
/** Steps at which the race is measured. */
const laps = [100, 300, 500] as const;

function Race() {
  const [losses, setLosses] = useState<readonly (readonly number[])[]>([]);
  const [running, setRunning] = useState(false);
  const [chosen, setChosen] = useState<OptimizerName | "">("");
  const [problem, setProblem] = useState("");
  const last = losses.length === laps.length ? losses.at(-1) : undefined;
  const winner = last === undefined ? undefined : racers[last.indexOf(Math.min(...last))];
  const right = winner !== undefined && chosen === winner;
  const race = async (): Promise<void> => {
    setRunning(true);
    const state = { ...startState, ...lessons[6]?.setup };
    try {
      await client.ask("lanes", { state, lanes });
      const seen: number[][] = [];
      for (const [lap, step] of laps.entries()) {
        const numbers = await client.ask("moveLanes", { steps: step - (laps[lap - 1] ?? 0) });
        seen.push(numbers.map(({ train }) => train.loss));
        setLosses([...seen]);
      }
      const end = seen.at(-1) ?? [];
      if (chosen !== "" && chosen === racers[end.indexOf(Math.min(...end))]) mark("race");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setRunning(false);
  };
  return (
    <>
      <h3>{say.theRace}</h3>
      <p class="hint">{say.fourOptimizersTheSameWeightsThe}</p>
      <div class="row">
        <Choice
          label={say.lowestTrainingLossAfter500Steps}
          value={chosen}
          options={[["", say.choose], ...racers.map((name) => [name, optimizers[name].title] as const)]}
          choose={(name) => {
            setChosen(name);
            if (winner !== undefined && name === winner) mark("race");
          }}
        />
        <button type="button" class="accent" disabled={running} onClick={() => void race()}>
          {say.letThemRace}
        </button>
        <span class={`verdict ${right ? "right" : ""}`} role="status">
          {right ? say.right : winner !== undefined && chosen !== "" ? say.notYet : ""}
        </span>
      </div>
      {problem !== "" && <p role="alert">{problem}</p>}
      {losses.length > 0 && (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={say.trainingLossOfEachOptimizer}>
          <table>
            <thead>
              <tr>
                <th scope="col">{say.trainingLossAfter}</th>
                {racers.map((name) => (
                  <th key={name} scope="col">
                    {optimizers[name].title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {losses.map((lap, k) => (
                <tr key={laps[k]}>
                  <th scope="row">{say.steps(laps[k])}</th>
                  {lap.map((loss, place) => (
                    <td key={racers[place]}>{short(loss)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="row">
        <button type="button" class="small" onClick={() => change({ surface: "compare", lanes })}>
          {say.watchThemInCompare}
        </button>
      </div>
    </>
  );
}

export function UpdateWidget() {
  return (
    <section class="panel widget" aria-labelledby="update-title">
      <header>
        <h2 id="update-title">{say.oneUpdateByHand}</h2>
        <p class="hint">{say.w05SlopeG0}</p>
      </header>
      <p class="formula">{say.plainDescentWWG}</p>
      <Answer label={say.wAfterPlainDescent} name="sgd" truth={0.48} tolerance={0.0011} />
      <p class="formula">{say.adamWWMV1}</p>
      <Answer label={say.wAfterAdam} name="adam" truth={0.4} tolerance={0.0011} />
      <Race />
    </section>
  );
}
