// Tries the network on one input: a form for tables, a drawing pad for images, letters for words.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { PredictAsk, Prediction, RunInfo } from "../../shared/protocol.ts";
import { percent, short } from "../numbers.ts";
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
      {info.data.task !== "number" && (
        <ul>
          {scores.map(({ name, value }) => (
            <li key={name}>
              <span>{name}</span>
              <span class="bar-track" aria-hidden="true">
                <span style={{ width: `${100 * value}%` }} />
              </span>
              <span>{percent(value)}</span>
            </li>
          ))}
        </ul>
      )}
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
      valueOf(field.name, field.kind === "number" ? String(field.start) : (field.options[0] ?? "")),
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
          {field.kind === "number" ? (
            <input
              inputMode="decimal"
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

/** The drawing, brought to the size and the place that the network knows: centred by its weight. */
function pixelsOf(canvas: HTMLCanvasElement, rows: number, columns: number): number[] {
  const source = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height);
  if (source === undefined) return [];
  const ink = (x: number, y: number): number => (source.data[4 * (y * canvas.width + x) + 3] ?? 0) / 255;
  let [left, right, top, bottom, mass, mx, my] = [canvas.width, 0, canvas.height, 0, 0, 0, 0];
  for (let y = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++) {
      const value = ink(x, y);
      if (value < 0.1) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      mass += value;
      mx += value * x;
      my += value * y;
    }
  if (mass === 0) return Array.from({ length: rows * columns }, () => 0);
  // MNIST's own recipe: the figure fills 20 of 28 pixels, its centre of mass in the middle. The drawn figures fill a little more.
  const scale = (Math.max(right - left, bottom - top) + 1) / ((rows >= 20 ? 20 / 28 : 0.82) * rows);
  const [cx, cy] = [mx / mass, my / mass];
  const parts = 4;
  return Array.from({ length: rows * columns }, (_, k) => {
    const [column, row] = [k % columns, Math.floor(k / columns)];
    let sum = 0;
    for (let a = 0; a < parts; a++)
      for (let b = 0; b < parts; b++) {
        const x = Math.round(cx + (column + (a + 0.5) / parts - columns / 2) * scale);
        const y = Math.round(cy + (row + (b + 0.5) / parts - rows / 2) * scale);
        if (x >= 0 && y >= 0 && x < canvas.width && y < canvas.height) sum += ink(x, y);
      }
    return sum / parts ** 2;
  });
}

function Pad({ info }: { readonly info: RunInfo }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const last = useRef<readonly [number, number] | undefined>(undefined);
  const [channels = 1, rows = 28, columns = 28] = info.data.inputShape;
  const look = (): void => {
    if (ref.current === null) return;
    const drawn = pixelsOf(ref.current, rows, columns);
    void ask({ inputs: Array.from({ length: channels }, () => drawn).flat() });
  };
  const stroke = (event: PointerEvent): void => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || event.buttons === 0) return;
    const box = canvas.getBoundingClientRect();
    const at = [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ] as const;
    const [x, y] = last.current ?? at;
    context.lineWidth = 22;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(at[0], at[1] + 0.01);
    context.stroke();
    last.current = at;
  };
  return (
    <div class="pad">
      <canvas
        ref={ref}
        width={260}
        height={260}
        role="img"
        aria-label="A pad to draw a figure on"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = undefined;
          stroke(event);
        }}
        onPointerMove={stroke}
        onPointerUp={look}
      />
      <div class="row">
        <button
          type="button"
          class="small"
          onClick={() => {
            ref.current?.getContext("2d")?.clearRect(0, 0, 260, 260);
            answer.value = undefined;
          }}
        >
          Clear
        </button>
        <span class="hint">Draw with pointer or finger, or paste a picture anywhere on this page.</span>
      </div>
    </div>
  );
}

function Letters() {
  return (
    <label class="field">
      <span>the word so far</span>
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
        <h2 id="try-title">Try it</h2>
      </header>
      {images ? (
        <Pad info={info} />
      ) : state.value.data === "words" ? (
        <Letters />
      ) : (
        <Form key={info.data.name} info={info} />
      )}
      <Answer info={info} />
    </section>
  );
}
