// Step: one batch, frozen, drawn on the network term by term; any number can be edited, and everything that depends on it is updated.

import { useEffect, useMemo } from "preact/hooks";
import type { StepTrace } from "../../shared/steps.ts";
import * as say from "../../texts/en/step.ts";
import { Choice } from "../lab/controls.tsx";
import { exact, short } from "../numbers.ts";
import { advance, change, ensemble, look, play, playing, run, shownStep, state } from "../store.ts";
import { AllValues } from "./AllValues.tsx";
import { CloseUp } from "./CloseUp.tsx";
import { Drawing } from "./Drawing.tsx";
import { ask, edits, problem, trace, undoEdits } from "./edits.ts";
import { explain } from "./explain.ts";
import type { Explanation } from "./formula.ts";
import { FormulaRows } from "./Math.tsx";
import { goTo } from "./Player.tsx";
import { type Cursor, cursorOf, extentOf, Path, type Stage } from "./path.ts";
import { fanIn, givenTo, kernelPlace } from "./reading.ts";
import { rowOf } from "./scene.ts";

function Detail({ explanation, term }: { readonly explanation: Explanation; readonly term: number }) {
  const { sentence, formulas, check } = explanation;
  return (
    <>
      <p class="sentence">{sentence}</p>
      {formulas.map((formula, k) => (
        <FormulaRows key={k} formula={formula} term={term} />
      ))}
      {check?.tick === 3 && <p class="hint">{say.ofSoManyWeightsASample}</p>}
      {check !== undefined && check.tick !== 3 && (
        <p class={`tick ${check.tick === 0 ? "bad" : ""}`}>
          <span aria-hidden="true">{check.tick === 0 ? "✗" : "✓"}</span>{" "}
          {check.tick === 2
            ? say.theLossHasAKinkHere(exact(check.difference))
            : say.movingTheWeightALittleChanges(
                exact(check.difference),
                check.tick === 1 ? say.theSame : say.whichIsNotTheSame,
              )}
        </p>
      )}
    </>
  );
}

/** Up to this many rows, units or weights are chosen from a list; of more, by their number. */
const mostListed = 128;

interface PickerProps {
  readonly label: string;
  readonly value: number;
  readonly count: number;
  readonly title?: (k: number) => string;
  readonly pick: (k: number) => void;
}

function Picker({ label, value, count, title = (k) => String(k + 1), pick }: PickerProps) {
  if (count <= mostListed)
    return (
      <Choice
        label={label}
        value={String(value)}
        options={Array.from({ length: count }, (_, k) => [String(k), title(k)] as const)}
        choose={(text) => pick(Number(text))}
      />
    );
  return (
    <label class="field">
      <span>{say.ofWord(label, count)}</span>
      <input
        type="number"
        min={1}
        max={count}
        value={value + 1}
        onChange={({ currentTarget }) => {
          const place = Math.round(Number(currentTarget.value)) - 1;
          if (Number.isFinite(place)) pick(Math.max(0, Math.min(count - 1, place)));
        }}
      />
    </label>
  );
}

interface PickersProps {
  readonly path: Path;
  readonly stage: Stage;
  readonly cursor: Cursor;
  readonly row: number;
}

function Pickers({ path, stage, cursor, row }: PickersProps) {
  const step = path.trace;
  const own = step.layers[stage.layer];
  if (own === undefined) return null;
  const { units, spots, weights } = extentOf(step, stage);
  const go = (patch: Partial<Cursor>): void => goTo(path.finished({ ...cursor, ...patch }));
  const inputs = fanIn(own);
  const weightTitle = (k: number): string => {
    if (k === inputs) return say.bias;
    if (own.kind === "conv") {
      const { channel, y, x } = kernelPlace(own, k);
      return say.mapRowColumn(channel + 1, y + 1, x + 1);
    }
    return givenTo(step, stage.layer).letter === "x" ? (step.inputs[k] ?? "") : say.neuronNumber(k + 1);
  };
  return (
    <div class="row pickers">
      {stage.kind !== "update" && (
        <Picker
          label={say.row}
          value={row}
          count={step.rows}
          title={(k) => say.ofWord2(k + 1, step.rows)}
          pick={(k) => {
            look({ row: k });
            // The terms of a slope are rows: its result belongs to the chosen one.
            go({});
          }}
        />
      )}
      {stage.kind !== "loss" && (
        <Picker
          label={own.kind === "conv" ? say.map : say.neuron}
          value={cursor.unit}
          count={units}
          pick={(unit) => go({ unit })}
        />
      )}
      {spots > 1 && <Picker label={say.place} value={cursor.spot} count={spots} pick={(spot) => go({ spot })} />}
      {weights > 1 && (
        <Picker
          label={say.from}
          value={cursor.weight}
          count={weights}
          title={weightTitle}
          pick={(weight) => go({ weight })}
        />
      )}
    </div>
  );
}

const phases = { forward: "Forward", loss: "Loss", backward: "Backward", update: "Update" } as const;

function Scrubber({ path, now }: { readonly path: Path; readonly now: number }) {
  const { stages } = path;
  /** Moves to the result of an operation; keys and the film move through its terms. */
  const go = (place: number): void => {
    const stage = stages[place];
    if (stage !== undefined) goTo(path.finished({ stage: stage.id, unit: 0, spot: 0, weight: 0, term: 0 }));
  };
  return (
    <div class="scrubber">
      <label class="unseen" for="scrub">
        {say.operation}
      </label>
      <input
        id="scrub"
        type="range"
        min={0}
        max={stages.length - 1}
        value={now}
        aria-valuetext={stages[now]?.title ?? ""}
        onInput={({ currentTarget }) => go(Number(currentTarget.value))}
      />
      {/* A new list for each operation, so that no entry is displaced by a removed one. */}
      <ol key={stages.map(({ id }) => id).join()}>
        {stages.map(({ id, short: name, title, phase }, k) => (
          <li key={id} data-phase={phase}>
            {phase !== stages[k - 1]?.phase && <span class="phase">{phases[phase]}</span>}
            <button
              type="button"
              class="small"
              title={title}
              aria-label={`${name}, ${title}`}
              aria-current={k === now ? "step" : undefined}
              onClick={() => go(k)}
            >
              {name}
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Header({ step }: { readonly step: StepTrace }) {
  const all = step.layers.flatMap(({ weight, bias, norm }) =>
    [weight, bias, ...(norm === undefined ? [] : [norm.weight, norm.bias])].flatMap(({ ticks }) => [...ticks]),
  );
  const compared = all.filter((tick) => tick !== 3);
  return (
    <header>
      <h2 id="step-title">{say.stepOneBatchOf(step.step + 1, step.rows)}</h2>
      <p class="hint">
        {say.lossOfThisBatch(
          short(step.loss.values[0] ?? 0),
          compared.length > 0 &&
            say.ofSlopesAgreeWithFiniteDifferences(
              compared.filter((tick) => tick > 0).length,
              compared.length,
              compared.length < all.length ? say.aSampleOf(all.length) : "",
            ),
        )}
      </p>
      {edits.value.length > 0 && (
        <button type="button" class="small" onClick={undoEdits}>
          {say.undo(edits.value.length, edits.value.length === 1 ? say.edit : say.edits)}
        </button>
      )}
      <button type="button" class="small accent" onClick={() => advance(1)}>
        {say.takeThisStep}
      </button>
    </header>
  );
}

export function Step() {
  const now = shownStep.value;
  const info = run.value;
  useEffect(() => {
    if (playing.peek()) play(false);
  }, []);
  useEffect(() => {
    edits.value = [];
    void ask();
  }, [now, info]);
  const step = trace.value;
  const path = useMemo(() => (step === undefined ? undefined : new Path(step)), [step]);
  if (step === undefined || path === undefined || step.layers.length + 1 !== info?.stages.length)
    return (
      <div class="panel">
        {problem.value === "" ? <p class="hint">{say.theStepIsBeingLaidOpen}</p> : <p class="notice">{problem}</p>}
        {ensemble.value !== undefined && (
          <button type="button" class="small accent" onClick={() => change({ ensemble: undefined, edits: [] })}>
            {say.trainOneNetworkOfTheseLayers}
          </button>
        )}
      </div>
    );
  const { stage, cursor } = cursorOf(step, state.value.term);
  const row = rowOf(step, stage, cursor, state.value.row);
  const explanation = explain(step, stage, cursor, row);
  return (
    <div class="step">
      <section class="panel" aria-labelledby="step-title">
        <Header step={step} />
        <Scrubber path={path} now={path.stages.findIndex(({ id }) => id === stage.id)} />
      </section>
      <Drawing path={path} info={info} cursor={cursor} stage={stage} />
      <section class="panel detail" aria-labelledby="stage-title">
        <header>
          <h2 id="stage-title">{stage.title}</h2>
          <Pickers path={path} stage={stage} cursor={cursor} row={row} />
        </header>
        <Detail explanation={explanation} term={cursor.term} />
        <CloseUp step={step} stage={stage} cursor={cursor} row={row} />
      </section>
      <section class="panel" aria-labelledby="numbers-title">
        <header>
          <h2 id="numbers-title">{say.allNumbersOfRow(row + 1)}</h2>
          <p class="hint">{say.editAnyOfThemWhatFollows}</p>
        </header>
        <AllValues step={step} stage={stage} row={row} unit={cursor.unit} />
      </section>
    </div>
  );
}
