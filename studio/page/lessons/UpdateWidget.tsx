// Lesson 7: one update by hand, then a race whose winner is to be named.
import { useState } from "preact/hooks";
import { lessons } from "../../shared/lessons.ts";
import { type OptimizerName, optimizers } from "../../shared/names.ts";
import { startState } from "../../shared/state.ts";
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
      <h3>The race</h3>
      <p class="hint">
        Four optimizers, the same weights, the same batches, learning rate 0.01. Guess before you look.
      </p>
      <div class="row">
        <Choice
          label="lowest training loss after 500 steps"
          value={chosen}
          options={[["", "choose …"], ...racers.map((name) => [name, optimizers[name].title] as const)]}
          choose={(name) => {
            setChosen(name);
            if (winner !== undefined && name === winner) mark("race");
          }}
        />
        <button type="button" class="accent" disabled={running} onClick={() => void race()}>
          Let them race
        </button>
        <span class={`verdict ${right ? "right" : ""}`} role="status">
          {right ? "✓ right" : winner !== undefined && chosen !== "" ? "not yet" : ""}
        </span>
      </div>
      {problem !== "" && <p role="alert">{problem}</p>}
      {losses.length > 0 && (
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Training loss of each optimizer">
          <table>
            <thead>
              <tr>
                <th scope="col">training loss after</th>
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
                  <th scope="row">{laps[k]} steps</th>
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
          Watch them in Compare
        </button>
      </div>
    </>
  );
}

export function UpdateWidget() {
  return (
    <section class="panel widget" aria-labelledby="update-title">
      <header>
        <h2 id="update-title">One update by hand</h2>
        <p class="hint">w = 0.5, slope g = 0.2, learning rate η = 0.1</p>
      </header>
      <p class="formula">plain descent: w′ = w − η g</p>
      <Answer label="w′ after plain descent" name="sgd" truth={0.48} tolerance={0.0011} />
      <p class="formula">Adam: w′ = w − η m̂ / (√v̂ + 1e−8), and at the first step m̂ = g, v̂ = g²</p>
      <Answer label="w′ after Adam" name="adam" truth={0.4} tolerance={0.0011} />
      <Race />
    </section>
  );
}
