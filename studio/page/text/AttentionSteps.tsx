// Attention step by step: softmax(q·kᵀ/√d)·v of the chosen head, term by term, forward and backward, on its own arrays.

import { useEffect, useState } from "preact/hooks";
import type { AttentionStep, HeadArrays } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/text.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { Segments } from "../lab/controls.tsx";
import { short } from "../numbers.ts";
import { FormulaRows } from "../step/Math.tsx";
import {
  type AttentionCursor,
  type AttentionStage,
  attentionStages,
  explainAttention,
  type Spot,
  stageOf,
  stageSigns,
} from "./attentionMath.ts";
import { headIn, hot, laidOpen, layOpen, placeIn, playing, shownToken, slow } from "./textStore.ts";

const titles: Readonly<Record<keyof HeadArrays, string>> = {
  q: say.queries,
  k: say.keys,
  scores: say.scores,
  weights: say.shares,
  v: say.values,
  out: say.takenAlong,
};

/** An array as squares, orange below zero and blue above; the numbers of the current term and the result are framed. */
function Matrix({
  step,
  name,
  slope,
  cursor,
}: { readonly step: AttentionStep; readonly cursor: AttentionCursor } & Pick<Spot, "name" | "slope">) {
  const n = step.tokens.length;
  const columns = name === "scores" || name === "weights" ? n : step.size;
  const values = (slope ? step.slopes : step.values)[name];
  const hidden = (place: number, other: number): boolean => columns === n && name === "scores" && other > place;
  const { factors, result, count } = stageOf(step, cursor);
  const own = (spot: Spot): boolean => spot.name === name && spot.slope === slope;
  const lit = cursor.term < count ? factors(cursor.term).filter(own) : [];
  const paint = ({ context, width, height }: Surface): void => {
    const { ramp, accent, ink } = colors.value;
    const each = Math.min(width / columns, height / n);
    const most = values.reduce(
      (max, value, k) =>
        hidden(Math.floor(k / columns), k % columns) || !Number.isFinite(value) ? max : Math.max(max, Math.abs(value)),
      1e-30,
    );
    values.forEach((value, k) => {
      const [place, other] = [Math.floor(k / columns), k % columns];
      if (hidden(place, other)) return;
      const pixel = ramp[Math.max(0, Math.min(255, Math.round(127.5 + (127.5 * value) / most)))] ?? 0;
      context.fillStyle = `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
      context.fillRect(other * each, place * each, each + 0.3, each + 0.3);
    });
    const frame = ({ place, other }: Spot, color: string): void => {
      context.strokeStyle = color;
      context.lineWidth = 2;
      context.strokeRect(other * each + 1, place * each + 1, Math.max(3, each - 2), Math.max(3, each - 2));
    };
    for (const spot of lit) frame(spot, accent);
    if (own(result)) frame(result, ink);
  };
  const title = `${slope ? "∂ " : ""}${titles[name]}`;
  return (
    <figure class="head-array">
      <Canvas paint={paint} label={say.placesNumbersEach(title, n, columns)} />
      <figcaption>{title}</figcaption>
    </figure>
  );
}

const arrays: readonly (keyof HeadArrays)[] = ["q", "k", "scores", "weights", "v", "out"];
const backward: ReadonlySet<AttentionStage> = new Set(["dWeight", "dScore", "dQuery", "dKey", "dValue"]);

function Laid({ step }: { readonly step: AttentionStep }) {
  const [cursor, setCursor] = useState<AttentionCursor>({ stage: "score", to: 0, unit: 0, term: 0 });
  const to = Math.min(cursor.to, step.row);
  const unit = Math.min(cursor.unit, step.size - 1);
  const { count } = stageOf(step, { ...cursor, to, unit });
  const now = { ...cursor, to, unit, term: Math.min(cursor.term, count) };
  const explanation = explainAttention(step, now);
  const move = (by: number): void => {
    const term = now.term + by;
    const place = attentionStages.indexOf(now.stage) + Math.sign(by);
    const next = attentionStages[place];
    if (term >= 0 && term <= count) setCursor({ ...now, term });
    else if (next !== undefined) {
      const there = { ...now, stage: next, term: 0 };
      setCursor(by > 0 ? there : { ...there, term: stageOf(step, there).count });
    }
  };
  const slopes = backward.has(now.stage);
  return (
    <div class="attention-steps" data-arrows>
      <Segments
        label={say.theOperation}
        value={now.stage}
        options={attentionStages.map((stage) => [stage, stageSigns[stage]])}
        choose={(stage) => setCursor({ ...now, stage, term: 0 })}
      />
      <div class="row">
        <button type="button" class="small" onClick={() => move(-1)}>
          {say.termBack}
        </button>
        <button type="button" class="small" onClick={() => move(1)}>
          {say.nextTerm}
        </button>
        <label class="field">
          <span>{say.looksAt}</span>
          <select value={to} onChange={({ currentTarget }) => setCursor({ ...now, to: Number(currentTarget.value) })}>
            {Array.from({ length: step.row + 1 }, (_, k) => (
              <option key={k} value={k}>
                {k + 1} {shownToken(step.tokens[k] ?? 0)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{say.number}</span>
          <select
            value={unit}
            onChange={({ currentTarget }) => setCursor({ ...now, unit: Number(currentTarget.value) })}
          >
            {Array.from({ length: step.size }, (_, k) => (
              <option key={k} value={k}>
                {say.ofWord(k + 1, step.size)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="sentence">{explanation.sentence}</p>
      {explanation.formulas.map((formula) => (
        <FormulaRows key={now.stage} formula={formula} term={now.term} />
      ))}
      <div class="head-arrays">
        {arrays.map((name) => (
          <Matrix key={name} step={step} name={name} slope={false} cursor={now} />
        ))}
        {slopes && arrays.map((name) => <Matrix key={`d${name}`} step={step} name={name} slope={true} cursor={now} />)}
      </div>
      <p class="hint">{say.rowsArePlacesOfTheText(short(step.loss), shownToken(step.next), step.row + 1)}</p>
    </div>
  );
}

/** When open, it follows the chosen head and token whenever training rests. */
export function AttentionSteps() {
  const [open, setOpen] = useState(false);
  const now = slow.value;
  const look = hot.picture?.look;
  const rests = !playing.value;
  const wanted = look === undefined || look.heads === 0 ? undefined : { ...headIn(look), row: placeIn(look) };
  const key = `${open && rests} ${now} ${wanted?.layer} ${wanted?.head} ${wanted?.row}`;
  useEffect(() => {
    if (open && rests && wanted !== undefined) layOpen(wanted);
  }, [key]);
  const found = laidOpen.value;
  return (
    <details
      class="as-table steps-of-attention"
      open={open}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>{say.stepByStep}</summary>
      {open &&
        (!rests ? (
          <p class="hint">{say.pauseAndEveryNumberOfThis}</p>
        ) : found === undefined ? (
          <p class="hint">{say.askingTheEngine}</p>
        ) : (
          <Laid step={found} />
        ))}
    </details>
  );
}
