// The inspector: the selected neuron's formula, weights, slopes, last update and the distribution of its values.

import { useEffect, useRef } from "preact/hooks";
import { activations } from "../../shared/names.ts";
import type { RunInfo } from "../../shared/protocol.ts";
import * as say from "../../texts/en/lab.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { Picture } from "../draw/Picture.tsx";
import { short, sub } from "../numbers.ts";
import { change, editWeight, ensemble, hot, onPicture, playing, run, state } from "../store.ts";
import { type chosenUnit as Choose, chosenUnit } from "./Network.tsx";

type Chosen = NonNullable<ReturnType<typeof Choose>>;
const mostRows = 40;
/** The positions of a 3 × 3 kernel. */
const around = [
  say.aboveLeft,
  "above",
  say.aboveRight,
  "left",
  "centre",
  "right",
  say.belowLeft,
  "below",
  say.belowRight,
] as const;

const formulaOf = (info: RunInfo, { stage, unit }: Chosen): string => {
  const last = stage === info.stages.length - 1;
  const before = stage === 1 ? "x" : "a";
  const name = last
    ? info.data.task === "number"
      ? "identity"
      : info.data.task === "binary"
        ? "sigmoid"
        : undefined
    : state.value.layers[stage - 1]?.activation;
  const j = sub(unit + 1);
  if (info.stages[stage]?.kind === "conv") {
    const { activation = "identity" } = state.value.layers[stage - 1] ?? {};
    const where = stage === 1 ? say.theImage : say.allMapsBefore;
    return `z${j} = b${j} + ${say.kernelOverEveryPlace(where)},  a${j} = ${activations[activation].title}(z${j})`;
  }
  const f = name === undefined ? "softmax(z)" : name === "identity" ? "z" : `${activations[name].title}(z${j})`;
  return `z${j} = Σ w${j}ᵢ ${before}ᵢ + b${j},  a${j} = ${f}`;
};

/** The number of values in each of several equal bins from the minimum to the maximum. */
function binsOf(values: Float32Array): { readonly low: number; readonly high: number; readonly bins: Int32Array } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const bins = new Int32Array(28);
  for (const value of values) {
    const at = Math.min(bins.length - 1, Math.floor(((value - low) / (high - low || 1)) * bins.length));
    bins[at] = (bins[at] ?? 0) + 1;
  }
  return { low, high, bins };
}

function drawHistogram({ context, width, height }: Surface, values: Float32Array): void {
  const palette = colors.value;
  if (values.length === 0) return;
  const { low, high, bins } = binsOf(values);
  const span = high - low || 1;
  const most = Math.max(...bins);
  const step = width / bins.length;
  bins.forEach((count, k) => {
    const size = (count / most) * (height - 16);
    context.fillStyle = low + ((k + 0.5) / bins.length) * span < 0 ? palette.low : palette.high;
    context.fillRect(k * step + 0.5, height - 14 - size, step - 1, size);
  });
  context.fillStyle = palette.soft;
  context.font = "10.5px ui-sans-serif, system-ui, sans-serif";
  context.textAlign = "left";
  context.fillText(short(low), 0, height - 2);
  context.textAlign = "right";
  context.fillText(short(high), width, height - 2);
}

/** The rows for the slopes shown here. */
const slopeRows = ({ data, slopeRows: rows }: RunInfo): string =>
  rows < data.trainCount ? say.theFirstTrainingRows(rows) : say.allTrainingRows(rows);

function Weights({ info, chosen }: { readonly info: RunInfo; readonly chosen: Chosen }) {
  const body = useRef<HTMLTableSectionElement>(null);
  const source = info.stages[chosen.stage - 1];
  const path = info.stages[chosen.stage]?.path ?? "";
  const conv = info.stages[chosen.stage]?.kind === "conv";
  const inputs = conv
    ? 9 * (source?.units ?? 0)
    : (source?.shape ?? []).reduce((product, extent) => product * extent, 1);
  const rows = Math.min(inputs, mostRows);
  const names = Array.from({ length: rows }, (_, k) =>
    conv
      ? `${(source?.units ?? 0) > 1 ? `map ${Math.floor(k / 9) + 1} ` : ""}${around[k % 9]}`
      : chosen.stage === 1
        ? (info.data.inputs[k] ?? `x${sub(k + 1)}`)
        : `a${sub(k + 1)}`,
  );
  useEffect(() => {
    let last = 0;
    const write = (): void => {
      const { snapshot } = hot;
      const layer = snapshot?.layers[chosen.stage - 1];
      const now = performance.now();
      if (layer === undefined || body.current === null || (playing.value && now - last < 100)) return;
      last = now;
      const unit = snapshot?.unit;
      const at = chosen.unit * inputs;
      body.current.querySelectorAll("tr").forEach((row, k) => {
        const bias = k === rows;
        const figures = bias
          ? [layer.bias[chosen.unit], layer.biasGrad[chosen.unit], unit?.biasUpdate]
          : [layer.weight[at + k], layer.weightGrad[at + k], unit?.weightUpdate[k]];
        const field = row.querySelector("input");
        if (field !== null && document.activeElement !== field)
          field.value = short(figures[0] ?? 0).replaceAll("−", "-");
        row.querySelectorAll("td[data-live]").forEach((cell, place) => {
          const figure = figures[place + 1];
          cell.textContent = figure === undefined ? "" : short(figure);
        });
      });
    };
    write();
    return onPicture(write);
  }, [info, chosen.stage, chosen.unit]);
  const row = (name: string, parameter: string, index: number) => (
    <tr key={name}>
      <th scope="row" title={name}>
        <span>{name}</span>
      </th>
      <td>
        <input
          aria-label={say.weightOf(name)}
          inputMode="decimal"
          onChange={({ currentTarget }) => {
            const value = Number(currentTarget.value.replaceAll("−", "-"));
            if (currentTarget.value.trim() !== "" && Number.isFinite(value)) editWeight(parameter, index, value);
          }}
        />
      </td>
      <td data-live />
      <td data-live />
    </tr>
  );
  return (
    <div class="table-scroll">
      <table class="weights">
        <thead>
          <tr>
            <th scope="col">{say.from}</th>
            <th scope="col">{say.weight}</th>
            <th scope="col" title={say.slopeOfTheLossOver(slopeRows(info))}>
              {say.slope}
            </th>
            <th scope="col" title={say.whatTheLatestStepChangedWhich}>
              {say.update}
            </th>
          </tr>
        </thead>
        <tbody ref={body}>
          {names.map((name, k) => row(name, `${path}.weight`, chosen.unit * inputs + k))}
          {row(say.bias, `${path}.bias`, chosen.unit)}
        </tbody>
      </table>
      {inputs > rows && <p class="hint">{say.andMore(inputs - rows)}</p>}
      <p class="hint">{say.slopeOfTheLossOverUpdate(slopeRows(info))}</p>
    </div>
  );
}

export function Inspector() {
  const info = run.value;
  const chosen = chosenUnit(state.value.selected);
  if (info === undefined) return null;
  const stage = chosen === undefined ? undefined : info.stages[chosen.stage];
  const { selected } = state.value;
  const { samples } = info.data;
  const size = info.data.inputShape.reduce((product, extent) => product * extent, 1);
  if (chosen === undefined || stage === undefined || chosen.stage === 0) {
    return (
      <section class="panel inspector" aria-labelledby="inspector-title">
        <h2 id="inspector-title">{say.inspector}</h2>
        <p class="hint">
          {info.data.inputShape.length > 1 ? say.theNetworkShowsWhatItMakes : say.selectANeuronToSeeIts}
        </p>
        {info.data.inputShape.length > 1 && (
          <div class="thumbs" role="group" aria-label={say.imagesToLookAt}>
            {samples?.rows.map((row, place) => (
              <button
                key={row}
                type="button"
                class="thumb-button"
                aria-pressed={selected === `sample${row}` || (place === 0 && !selected.startsWith("sample"))}
                aria-label={say.imageOfRow(row + 1)}
                onClick={() => change({ selected: `sample${row}` })}
              >
                <Picture
                  label=""
                  shape={info.data.inputShape}
                  values={samples.values.subarray(place * size, (place + 1) * size)}
                />
              </button>
            ))}
          </div>
        )}
      </section>
    );
  }
  const last = chosen.stage === info.stages.length - 1;
  if (ensemble.value !== undefined)
    return (
      <section class="panel inspector" aria-labelledby="inspector-title">
        <h2 id="inspector-title">{last ? say.output : say.layer(chosen.stage)}</h2>
        <p class="hint">{say.eachOfTheseNeuronsIsThere(ensemble.value.members)}</p>
        <button type="button" class="small" onClick={() => change({ ensemble: undefined, edits: [], selected: "" })}>
          {say.trainOneNetwork}
        </button>
      </section>
    );
  return (
    <section class="panel inspector" aria-labelledby="inspector-title">
      <header>
        <h2 id="inspector-title">{say.neuron(last ? say.output : say.layer(chosen.stage), chosen.unit + 1)}</h2>
        <button type="button" class="small" onClick={() => change({ selected: "" })}>
          {say.done}
        </button>
      </header>
      <p class="formula">{formulaOf(info, chosen)}</p>
      <div class="histogram">
        <Canvas
          paint={(surface) => drawHistogram(surface, hot.snapshot?.unit?.values ?? new Float32Array())}
          label={say.howTheNeuronsValuesAreSpread}
        />
      </div>
      <AsTable
        label={say.theSpreadOfTheNeuronsValues}
        heads={[say.from, say.to, say.rows]}
        rows={() => {
          const values = hot.snapshot?.unit?.values ?? new Float32Array();
          if (values.length === 0) return [];
          const { low, high, bins } = binsOf(values);
          const at = (k: number): string => short(low + (k / bins.length) * (high - low));
          return Array.from(bins, (count, k) => [at(k), at(k + 1), String(count)]);
        }}
      />
      <Weights
        key={`${chosen.stage}.${chosen.unit}.${info.stages.map(({ units }) => units).join()}`}
        info={info}
        chosen={chosen}
      />
    </section>
  );
}
