// Lessons 4 and 5: the numbers of a small network, to be computed before they are revealed. The solutions come from the engine.

import { useEffect, useState } from "preact/hooks";
import type { StepTrace } from "../../shared/steps.ts";
import * as say from "../../texts/en/lessons.ts";
import { exact, sub } from "../numbers.ts";
import { client, run, shownStep } from "../store.ts";
import { Answer } from "./Answer.tsx";

const list = (values: ArrayLike<number>): string => Array.from(values, exact).join(", ");

export function ByHand({ direction }: { readonly direction: "forward" | "backward" }) {
  const step = shownStep.value;
  const info = run.value;
  const [trace, setTrace] = useState<StepTrace | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    client
      .ask("step", { edits: [] })
      .then((found) => {
        if (wanted) setTrace(found);
      })
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [step, info]);
  const [hidden, output] = trace?.layers ?? [];
  // Reserves its room: the content below does not move when the numbers appear.
  if (trace === undefined || hidden === undefined || output === undefined)
    return (
      <section class={`panel widget by-hand ${direction}`} aria-label={say.oneRowThroughTheNetwork}>
        <p class="hint">{say.theStepIsBeingLaidOpen}</p>
      </section>
    );
  const [x1 = 0, x2 = 0] = trace.x.values;
  return (
    <section class={`panel widget by-hand ${direction}`} aria-labelledby="by-hand-title">
      <header>
        <h2 id="by-hand-title">{say.oneRowThroughTheNetwork}</h2>
        <p class="hint">{say.tanhInTheHiddenLayerAt}</p>
      </header>
      <dl class="givens">
        <dt>{say.inputsXX}</dt>
        <dd>{list([x1, x2])}</dd>
        {Array.from({ length: hidden.units }, (_, j) => (
          <>
            <dt key={`w${j}`}>{say.weightsOfHiddenNeuronItsBias(j + 1)}</dt>
            <dd key={`v${j}`}>
              {list(hidden.weight.value.values.slice(2 * j, 2 * j + 2))}; {exact(hidden.bias.value.values[j] ?? 0)}
            </dd>
          </>
        ))}
        <dt>{say.weightsOfTheOutputItsBias}</dt>
        <dd>
          {list(output.weight.value.values)}; {exact(output.bias.value.values[0] ?? 0)}
        </dd>
        {direction === "backward" && (
          <>
            <dt>
              z{sub(1)}, a{sub(1)}, p
            </dt>
            <dd>{list([hidden.z.values[0] ?? 0, hidden.a.values[0] ?? 0, output.a.values[0] ?? 0])}</dd>
            <dt>{say.targetY}</dt>
            <dd>{trace.target[0]}</dd>
          </>
        )}
      </dl>
      {direction === "forward" ? (
        <>
          <Answer label="z₁ = w₁ x₁ + w₂ x₂ + b" name="z" truth={hidden.z.values[0]} />
          <Answer label={say.aTanhZ} name="a" truth={hidden.a.values[0]} />
          <Answer label="p = σ(w · a + b)" name="p" truth={output.a.values[0]} />
        </>
      ) : (
        <>
          <Answer label={say.atTheOutputPY} name="d-out" truth={output.delta.values[0]} />
          <Answer label="δ₁ = w₁ · δ · (1 − a₁²)" name="d-hidden" truth={hidden.delta.values[0]} />
          <Answer label={say.slopeX} name="g" truth={hidden.weight.gradient.values[0]} />
          <p class="tick">
            {say.slopesAgreeWithFiniteDifferences(
              [...hidden.weight.ticks, ...output.weight.ticks].filter((tick) => tick > 0).length,
            )}
          </p>
        </>
      )}
    </section>
  );
}
