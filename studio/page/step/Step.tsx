// Step: one batch, frozen. A scrubber goes operation by operation; any number can be edited, and everything that depends on it is updated.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Numbers, StepEdit, StepTrace } from "../../shared/steps.ts";
import { Choice } from "../lab/controls.tsx";
import { exact, short, sub } from "../numbers.ts";
import { advance, client, play, playing, run, shownStep, spoken } from "../store.ts";
import { type Explanation, explain, inputsOf, type Place, type Stage, stagesOf, type Term } from "./explain.ts";

const trace = signal<StepTrace | undefined>(undefined);
const problem = signal("");
const edits = signal<readonly StepEdit[]>([]);
const at = signal(0);
const place = signal<Place>({ row: 0, unit: 0, input: 0 });
/** The number under the pointer or the focus: it is highlighted wherever it appears. */
const lit = signal("");

async function ask(): Promise<void> {
  try {
    trace.value = await client.ask("step", { edits: edits.value });
    problem.value = "";
  } catch (error) {
    trace.value = undefined;
    problem.value = error instanceof Error ? error.message : String(error);
  }
}

function edit(node: string, index: number, text: string): void {
  const value = Number(text.replaceAll("−", "-"));
  if (text.trim() === "" || !Number.isFinite(value)) return;
  edits.value = [...edits.value.filter((one) => one.node !== node || one.index !== index), { node, index, value }];
  spoken.value = "Everything that follows from this number was computed again";
  void ask();
}

function Formula({ terms, result }: { readonly terms: readonly Term[]; readonly result: Term }) {
  const cell = ({ symbol, number, at: name }: Term, key: number | string) => (
    <span
      key={key}
      class={`term ${name !== undefined ? "number" : ""} ${name !== undefined && name === lit.value ? "lit" : ""}`}
      onPointerEnter={() => {
        lit.value = name ?? "";
      }}
      onPointerLeave={() => {
        lit.value = "";
      }}
    >
      <i>{symbol}</i>
      <b>{number}</b>
    </span>
  );
  return (
    <div class="formula-rows">
      <p class="terms">{terms.map(cell)}</p>
      <p class="result">
        <span class="equals" aria-hidden="true">
          =
        </span>
        {cell(result, "result")}
      </p>
    </div>
  );
}

function Detail({ explanation }: { readonly explanation: Explanation }) {
  const { sentence, terms, result, more, check } = explanation;
  return (
    <>
      <p class="sentence">{sentence}</p>
      <Formula terms={terms} result={result} />
      {(more ?? []).map((one, k) => (
        <Formula key={k} terms={one.terms} result={one.result} />
      ))}
      {check?.tick === 3 && (
        <p class="hint">Of so many weights a sample is compared with finite differences; this one is not in it.</p>
      )}
      {check !== undefined && check.tick !== 3 && (
        <p class={`tick ${check.tick === 0 ? "bad" : ""}`}>
          <span aria-hidden="true">{check.tick === 0 ? "✗" : "✓"}</span>{" "}
          {check.tick === 2
            ? `The loss has a kink here: on either side it has another slope, ${exact(check.difference)} between them.`
            : `Moving the weight a little changes the loss of this batch by ${exact(check.difference)} times as much${check.tick === 1 ? ": the same" : ", which is not the same"}.`}
        </p>
      )}
    </>
  );
}

interface ValuesProps {
  readonly label: string;
  readonly name: string;
  readonly numbers: Numbers;
  /** From where in the node the shown numbers begin, and how many there are. */
  readonly from: number;
  readonly count: number;
  readonly fixed?: boolean;
}

const mostShown = 24;

/** A row of numbers, each of which can be edited. */
function Values({ label, name, numbers, from, count, fixed }: ValuesProps) {
  const shown = Math.min(count, mostShown);
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>
        <div class="values">
          {Array.from({ length: shown }, (_, k) => {
            const own = `${name}.${k}`;
            const value = numbers.values[from + k] ?? 0;
            const edited = edits.value.some((one) => one.node === numbers.node && one.index === from + k);
            const mark = `${own === lit.value ? "lit" : ""} ${edited ? "edited" : ""}`;
            return fixed || numbers.node === "" ? (
              <span key={own} class={`value ${mark}`}>
                {exact(value)}
              </span>
            ) : (
              <input
                key={own}
                class={`value ${mark}`}
                aria-label={`${label}, number ${k + 1}`}
                inputMode="decimal"
                value={exact(value)}
                onFocus={() => {
                  lit.value = own;
                }}
                onBlur={() => {
                  lit.value = "";
                }}
                onPointerEnter={() => {
                  lit.value = own;
                }}
                onPointerLeave={() => {
                  lit.value = "";
                }}
                onChange={({ currentTarget }) => edit(numbers.node, from + k, currentTarget.value)}
              />
            );
          })}
          {count > shown && <span class="hint">and {count - shown} more</span>}
        </div>
      </td>
    </tr>
  );
}

/** Every number of the chosen row and neuron, from the inputs to the updated weights. */
function AllValues({ step, stage }: { readonly step: StepTrace; readonly stage: Stage }) {
  const { row, unit } = place.value;
  const { layer } = stage;
  const inputs = inputsOf(step, layer);
  const own = step.layers[layer];
  const chosen = Math.min(unit, (own?.units ?? 1) - 1);
  return (
    <div class="table-scroll values-box">
      <table class="all-values">
        <caption class="unseen">The numbers of row {row + 1}</caption>
        <tbody>
          <Values label="x" name="x" numbers={step.x} from={row * step.inputs.length} count={step.inputs.length} />
          {step.layers.map((one, k) => (
            <>
              <Values
                key={`z${k}`}
                label={`z${sub(k + 1)}`}
                name={`z${k}`}
                numbers={one.z}
                from={row * one.units}
                count={one.units}
              />
              <Values
                key={`a${k}`}
                label={k === step.layers.length - 1 ? "ŷ" : `a${sub(k + 1)}`}
                name={`a${k}`}
                numbers={one.a}
                from={row * one.units}
                count={one.units}
              />
              {one.dropout !== undefined && (
                <Values
                  key={`m${k}`}
                  label={`ã${sub(k + 1)}`}
                  name={`m${k}`}
                  numbers={one.dropout.values}
                  from={row * one.units}
                  count={one.units}
                />
              )}
            </>
          ))}
          <Values label="batch loss" name="loss" numbers={step.loss} from={0} count={1} fixed />
          {step.layers
            .map((one, k) => (
              <Values
                key={`d${k}`}
                label={`δ${sub(k + 1)}`}
                name={`d${k}`}
                numbers={one.delta}
                from={row * one.units}
                count={one.units}
              />
            ))
            .reverse()}
          {own !== undefined && (
            <>
              <Values
                label={`w of neuron ${chosen + 1}`}
                name={`w${layer}.${chosen}`}
                numbers={own.weight.value}
                from={chosen * inputs}
                count={inputs}
              />
              <Values label="its bias" name={`b${layer}`} numbers={own.bias.value} from={chosen} count={1} />
              <Values
                label="their slopes, of the batch"
                name={`g${layer}.${chosen}`}
                numbers={own.weight.gradient}
                from={chosen * inputs}
                count={inputs}
              />
              {own.weight.slots.map(({ name, after }) => (
                <Values
                  key={name}
                  label={name}
                  name={`slot ${name}`}
                  numbers={after}
                  from={chosen * inputs}
                  count={inputs}
                  fixed
                />
              ))}
              <Values
                label="after the step"
                name={`u${layer}.${chosen}`}
                numbers={own.weight.updated}
                from={chosen * inputs}
                count={inputs}
                fixed
              />
            </>
          )}
        </tbody>
      </table>
    </div>
  );
}

/** Rows that are chosen from a list; of more, by their number. */
const mostListed = 128;

const range = (count: number, title: (k: number) => string) =>
  Array.from({ length: count }, (_, k) => [String(k), title(k)] as const);

function Pickers({ step, stage }: { readonly step: StepTrace; readonly stage: Stage }) {
  const units = step.layers[stage.layer]?.units ?? 1;
  const inputs = inputsOf(step, stage.layer);
  const weighty = stage.id[0] === "g" || stage.id[0] === "u";
  const pick = (patch: Partial<Place>): void => {
    place.value = { ...place.value, ...patch };
  };
  return (
    <div class="row pickers">
      {stage.id[0] !== "u" &&
        (step.rows <= mostListed ? (
          <Choice
            label="row"
            value={String(Math.min(place.value.row, step.rows - 1))}
            options={range(step.rows, (k) => `${k + 1} of ${step.rows}`)}
            choose={(value) => pick({ row: Number(value) })}
          />
        ) : (
          <label class="field">
            <span>row of {step.rows}</span>
            <input
              type="number"
              min={1}
              max={step.rows}
              value={Math.min(place.value.row, step.rows - 1) + 1}
              onChange={({ currentTarget }) => {
                const row = Math.round(Number(currentTarget.value)) - 1;
                if (Number.isFinite(row)) pick({ row: Math.max(0, Math.min(step.rows - 1, row)) });
              }}
            />
          </label>
        ))}
      {stage.id !== "loss" && (
        <Choice
          label="neuron"
          value={String(Math.min(place.value.unit, units - 1))}
          options={range(units, (k) => String(k + 1))}
          choose={(value) => pick({ unit: Number(value) })}
        />
      )}
      {weighty && (
        <Choice
          label="from"
          value={String(Math.min(place.value.input, inputs - 1))}
          options={range(inputs, (k) => (stage.layer === 0 ? (step.inputs[k] ?? "") : `neuron ${k + 1}`))}
          choose={(value) => pick({ input: Number(value) })}
        />
      )}
    </div>
  );
}

const phases = { forward: "Forward", loss: "Loss", backward: "Backward", update: "Update" } as const;

function Scrubber({ stages }: { readonly stages: readonly Stage[] }) {
  return (
    <div class="scrubber">
      <label class="unseen" for="scrub">
        Operation
      </label>
      <input
        id="scrub"
        type="range"
        min={0}
        max={stages.length - 1}
        value={at.value}
        aria-valuetext={stages[at.value]?.title ?? ""}
        onInput={({ currentTarget }) => {
          at.value = Number(currentTarget.value);
        }}
      />
      <ol>
        {stages.map(({ id, short: name, title, phase }, k) => (
          <li key={id} data-phase={phase}>
            {phase !== stages[k - 1]?.phase && <span class="phase">{phases[phase]}</span>}
            <button
              type="button"
              class="small"
              title={title}
              aria-label={`${name}, ${title}`}
              aria-current={k === at.value ? "step" : undefined}
              onClick={() => {
                at.value = k;
              }}
            >
              {name}
            </button>
          </li>
        ))}
      </ol>
    </div>
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
  if (step === undefined)
    return (
      <div class="panel">
        {problem.value === "" ? <p class="hint">The step is being laid open …</p> : <p class="notice">{problem}</p>}
      </div>
    );
  const stages = stagesOf(step);
  const stage = stages[Math.min(at.value, stages.length - 1)];
  if (stage === undefined) return null;
  const own = step.layers[stage.layer];
  const clamped: Place = {
    row: Math.min(place.value.row, step.rows - 1),
    unit: Math.min(place.value.unit, (own?.units ?? 1) - 1),
    input: Math.min(place.value.input, inputsOf(step, stage.layer) - 1),
  };
  const all = step.layers.flatMap(({ weight, bias }) => [...weight.ticks, ...bias.ticks]);
  const compared = all.filter((tick) => tick !== 3);
  return (
    <div class="step">
      <section class="panel" aria-labelledby="step-title">
        <header>
          <h2 id="step-title">
            Step {step.step + 1}, one batch of {step.rows}
          </h2>
          <p class="hint">
            loss of this batch {short(step.loss.values[0] ?? 0)}
            {compared.length > 0 &&
              `, ${compared.filter((tick) => tick > 0).length} of ${compared.length} slopes agree with finite differences${compared.length < all.length ? ` (a sample of ${all.length})` : ""}`}
          </p>
          {edits.value.length > 0 && (
            <button
              type="button"
              class="small"
              onClick={() => {
                edits.value = [];
                void ask();
              }}
            >
              Undo {edits.value.length} {edits.value.length === 1 ? "edit" : "edits"}
            </button>
          )}
          <button type="button" class="small accent" onClick={() => advance(1)}>
            Take this step
          </button>
        </header>
        <Scrubber stages={stages} />
      </section>
      <section class="panel detail" aria-labelledby="stage-title">
        <header>
          <h2 id="stage-title">{stage.title}</h2>
          <Pickers step={step} stage={stage} />
        </header>
        <Detail explanation={explain(step, stage, clamped)} />
        <div class="row end">
          <button
            type="button"
            class="small"
            disabled={at.value === 0}
            onClick={() => {
              at.value--;
            }}
          >
            Before
          </button>
          <button
            type="button"
            class="small"
            disabled={at.value >= stages.length - 1}
            onClick={() => {
              at.value++;
            }}
          >
            Next operation
          </button>
        </div>
      </section>
      <section class="panel" aria-labelledby="numbers-title">
        <header>
          <h2 id="numbers-title">All numbers of row {clamped.row + 1}</h2>
          <p class="hint">Edit any of them: what follows from it is computed again.</p>
        </header>
        <AllValues step={step} stage={stage} />
      </section>
    </div>
  );
}
