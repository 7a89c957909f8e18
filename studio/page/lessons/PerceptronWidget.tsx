// Lesson 1: two weights and a bias on sliders, and Rosenblatt's rule.
import { useEffect, useState } from "preact/hooks";
import type { Rosenblatt } from "../../shared/protocol.ts";
import { percent, short } from "../numbers.ts";
import { change, client, hot, shown, state } from "../store.ts";
import { mark } from "./Lessons.tsx";

const names = [
  ["0.weight", 0, "weight of income (x₁)"],
  ["0.weight", 1, "weight of debt (x₂)"],
  ["0.bias", 0, "bias"],
] as const;

const editsOf = (values: readonly number[]) =>
  names.map(([parameter, index], k) => ({ step: 0, parameter, index, value: values[k] ?? 0 }));

const added = (value = 0): string => (value < 0 ? `− ${short(-value)}` : `+ ${short(value)}`);

export function PerceptronWidget() {
  shown.value;
  const [found, setFound] = useState<Rosenblatt | undefined>(undefined);
  const values = names.map(
    ([parameter, index]) =>
      state.value.edits.find((edit) => edit.parameter === parameter && edit.index === index)?.value ?? 0,
  );
  const metric = hot.stale ? 0 : (hot.snapshot?.now.train.metric ?? 0);
  useEffect(() => {
    if (metric >= 0.95 && found === undefined) mark("dragged");
  }, [metric]);
  const learn = async (): Promise<void> => {
    const rule = await client.ask("rosenblatt", null);
    setFound(rule);
    if (rule.converged) mark("rosenblatt");
    change({ edits: editsOf([...rule.weights, rule.bias]) });
  };
  return (
    <section class="panel widget" aria-labelledby="perceptron-title">
      <header>
        <h2 id="perceptron-title">One neuron</h2>
        <p class="hint">{percent(metric)} decided rightly</p>
      </header>
      <p class="formula">
        approved where {short(values[0] ?? 0)} · income {added(values[1])} · debt {added(values[2])} {">"} 0
      </p>
      {names.map(([parameter, index, title], k) => (
        <div key={title} class="field slider">
          <label for={`perceptron${k}`}>{title}</label>
          <output>{short(values[k] ?? 0)}</output>
          <input
            id={`perceptron${k}`}
            type="range"
            min={-3}
            max={3}
            step={0.05}
            value={values[k]}
            data-parameter={`${parameter}.${index}`}
            onInput={({ currentTarget }) =>
              change({
                edits: editsOf(values.map((value, place) => (place === k ? Number(currentTarget.value) : value))),
              })
            }
          />
        </div>
      ))}
      <div class="row">
        <button type="button" class="accent" onClick={() => void learn()}>
          Let Rosenblatt's rule learn
        </button>
        {found !== undefined && <span>Mistakes in each pass: {found.mistakes.join(", ")}</span>}
      </div>
    </section>
  );
}
