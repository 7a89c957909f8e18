// Lesson 1: two weights and a bias on sliders, and Rosenblatt's rule, one mistake after the other.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Correction, Rosenblatt } from "../../shared/protocol.ts";
import { paintedNames } from "../../shared/state.ts";
import * as say from "../../texts/en/lessons.ts";
import { Range } from "../lab/controls.tsx";
import { percent, short } from "../numbers.ts";
import { change, client, hot, ringed, shown, state } from "../store.ts";
import { mark } from "./marks.ts";

const [enough, everyMilliseconds] = [0.95, 700] as const;
const parameters = [
  ["0.weight", 0],
  ["0.weight", 1],
  ["0.bias", 0],
] as const;

const editsOf = (values: readonly number[]) =>
  parameters.map(([parameter, index], k) => ({ step: 0, parameter, index, value: values[k] ?? 0 }));

const added = (value = 0): string => (value < 0 ? `− ${short(-value)}` : `+ ${short(value)}`);

/** The rule's correction for a misclassified row. */
function Told({ correction, rate }: { readonly correction: Correction; readonly rate: number }) {
  const { inputs, classes } = paintedNames(state.value);
  const { pass, row, truth } = correction;
  const sign = truth === 1 ? "+" : "−";
  return (
    <p class="formula" role="status">
      {say.passApplicant(
        pass + 1,
        row + 1,
        `${inputs[0]} ${short(correction.inputs[0] ?? 0)}, ${inputs[1]} ${short(correction.inputs[1] ?? 0)}`,
      )}
      {say.butTheNeuronSaid(classes[truth], classes[1 - truth])} {say.eachWeightTimesItsInput(sign, rate)}
    </p>
  );
}

export function PerceptronWidget() {
  shown.value;
  const [rule, setRule] = useState<Rosenblatt | undefined>(undefined);
  /** Mistakes that the rule has corrected. */
  const [seen, setSeen] = useState(0);
  const [running, setRunning] = useState(false);
  /**
   * Whether the weights were set by hand. The rule's result counts only after the visitor has undone it, because answers to the rule's own weights
   * may come late.
   */
  const byHand = useRef<"no" | "yes" | "helped" | "undoing">("no");
  const { inputs } = paintedNames(state.value);
  const titles = [say.weightOf(inputs[0]), say.weightOf(inputs[1]), say.bias];
  const values = parameters.map(
    ([parameter, index]) =>
      state.value.edits.find((edit) => edit.parameter === parameter && edit.index === index)?.value ?? 0,
  );
  const metric = hot.stale ? 0 : (hot.snapshot?.now.train.metric ?? 0);
  useEffect(() => {
    if (hot.stale) return;
    if (byHand.current === "yes" && metric >= enough) mark("dragged");
    if (byHand.current === "undoing" && metric < enough) byHand.current = "no";
  }, [metric, shown.value]);
  useEffect(
    () => () => {
      ringed.value = undefined;
    },
    [],
  );
  const take = (found: Rosenblatt, place: number): void => {
    const correction = found.corrections[place];
    setSeen(Math.min(place + 1, found.corrections.length));
    byHand.current = "helped";
    ringed.value = correction?.inputs;
    if (correction !== undefined) change({ edits: editsOf([...correction.weights, correction.bias]) }, "same");
    if (place < found.corrections.length - 1) return;
    setRunning(false);
    if (found.converged) mark("rosenblatt");
  };
  const next = async (): Promise<void> => {
    if (rule !== undefined) return take(rule, seen);
    const found = await client.ask("rosenblatt", null);
    setRule(found);
    take(found, 0);
  };
  useEffect(() => {
    if (!running) return;
    const timer = setTimeout(() => void next(), everyMilliseconds);
    return () => clearTimeout(timer);
  }, [running, seen]);
  const drag = (place: number, value: number): void => {
    setRunning(false);
    setSeen(0);
    ringed.value = undefined;
    if (byHand.current === "no") byHand.current = "yes";
    if (byHand.current === "helped") byHand.current = "undoing";
    change({ edits: editsOf(values.map((old, k) => (k === place ? value : old))) });
  };
  const latest = rule?.corrections[seen - 1];
  const over = rule !== undefined && seen > 0 && seen >= rule.corrections.length;
  return (
    <section class="panel widget" aria-labelledby="perceptron-title">
      <header>
        <h2 id="perceptron-title">{say.oneNeuron}</h2>
        <p class="hint">{say.decidedRightly(percent(metric))}</p>
      </header>
      <p class="formula">
        {say.approvedWhere0(short(values[0] ?? 0), inputs[0], added(values[1]), inputs[1], added(values[2]))}
      </p>
      <div class="three-numbers">
        {parameters.map(([parameter, index], k) => (
          <Range
            key={titles[k]}
            id={`perceptron${k}`}
            label={titles[k] ?? ""}
            value={values[k] ?? 0}
            min={-3}
            max={3}
            step={0.05}
            show={short}
            choose={(value) => drag(k, value)}
            parameter={`${parameter}.${index}`}
          />
        ))}
      </div>
      <div class="row">
        <button type="button" class="accent" disabled={over || running} onClick={() => void next()}>
          {seen === 0 ? say.startRosenblattsRuleFromZero : say.nextMistake}
        </button>
        <button type="button" disabled={over} aria-pressed={running} onClick={() => setRunning(!running)}>
          {running ? say.pauseTheRule : say.runTheRule}
        </button>
        {seen > 0 && (
          <button
            type="button"
            class="small"
            onClick={() => {
              setRunning(false);
              if (rule !== undefined) take(rule, 0);
            }}
          >
            {say.fromTheFirstMistake}
          </button>
        )}
      </div>
      <div class="rule-says">
        {rule !== undefined && latest !== undefined && (
          <>
            <p class="hint">{say.mistakeOf(seen, rule.corrections.length)}</p>
            <Told correction={latest} rate={rule.rate} />
          </>
        )}
        {over && <p>{say.mistakesInEachPass(rule.mistakes.join(", "))}</p>}
      </div>
    </section>
  );
}
