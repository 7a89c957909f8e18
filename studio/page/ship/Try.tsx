// Tries the network on one input: a form for tables, a drawing pad for images, letters for words.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { PredictAsk, Prediction, RunInfo } from "../../shared/protocol.ts";
import * as say from "../../texts/en/ship.ts";
import { Pad } from "../draw/Pad.tsx";
import { ScoreBars } from "../draw/ScoreBars.tsx";
import { short } from "../numbers.ts";
import { client, shown, state } from "../store.ts";

const answer = signal<Prediction | undefined>(undefined);
const problem = signal("");

export async function ask(question: PredictAsk): Promise<void> {
  try {
    answer.value = await client.ask("predict", question);
    problem.value = "";
  } catch (error) {
    answer.value = undefined;
    problem.value = error instanceof Error ? error.message : String(error);
  }
}

export function Answer({ info }: { readonly info: RunInfo }) {
  const given = answer.value;
  if (problem.value !== "") return <p class="notice bad">{problem}</p>;
  if (given === undefined) return null;
  const scores = [...given.scores].sort((a, b) => b.value - a.value).slice(0, 10);
  return (
    <div class="answer" role="status">
      <p>
        {info.data.target}: <b>{given.label}</b>
      </p>
      {info.data.task !== "number" && <ScoreBars scores={scores} />}
      {info.data.task === "number" && <p class="hint">{short(given.scores[0]?.value ?? 0)}</p>}
    </div>
  );
}

function Form({ info }: { readonly info: RunInfo }) {
  const { form } = info.data;
  const table = state.value.data === "loans" || state.value.data === "iris" || state.value.data === "own";
  const [cells, setCells] = useState<Readonly<Record<string, string>>>({});
  const valueOf = (name: string, start: string): string => cells[name] ?? start;
  const all = Object.fromEntries(
    form.map((field) => [
      field.name,
      valueOf(field.name, field.kind === "category" ? (field.options[0] ?? "") : String(field.start)),
    ]),
  );
  const text = JSON.stringify(all);
  const picture = shown.value;
  useEffect(() => {
    void ask(table ? { cells: all } : { inputs: form.map(({ name }) => Number(all[name])) });
  }, [text, picture]);
  const set = (name: string, value: string): void => setCells({ ...cells, [name]: value });
  return (
    <div class="try-form">
      {form.map((field) => (
        <label key={field.name} class="field">
          <span title={field.name}>{field.name}</span>
          {field.kind !== "category" ? (
            <input
              inputMode={field.kind === "number" ? "decimal" : "text"}
              value={valueOf(field.name, String(field.start))}
              onInput={({ currentTarget }) => set(field.name, currentTarget.value)}
            />
          ) : (
            <select
              value={valueOf(field.name, field.options[0] ?? "")}
              onChange={({ currentTarget }) => set(field.name, currentTarget.value)}
            >
              {field.options.map((option) => (
                <option key={option} value={option}>
                  {option}
                </option>
              ))}
            </select>
          )}
        </label>
      ))}
    </div>
  );
}

function Letters() {
  return (
    <label class="field">
      <span>{say.theWordSoFar}</span>
      <input type="text" maxLength={20} onInput={({ currentTarget }) => void ask({ text: currentTarget.value })} />
    </label>
  );
}

export function Try({ info }: { readonly info: RunInfo }) {
  useEffect(() => {
    answer.value = undefined;
    problem.value = "";
  }, [info]);
  const images = info.data.inputShape.length === 3;
  return (
    <section class="panel try" aria-labelledby="try-title">
      <header>
        <h2 id="try-title">{say.tryIt}</h2>
      </header>
      {images ? (
        <Pad
          shape={info.data.inputShape}
          use={(inputs) => void ask({ inputs })}
          clear={() => {
            answer.value = undefined;
          }}
        />
      ) : state.value.data === "words" ? (
        <Letters />
      ) : (
        <Form key={info.data.name} info={info} />
      )}
      <Answer info={info} />
    </section>
  );
}
