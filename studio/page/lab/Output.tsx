// The output, by task: the decision map with the data, a confusion matrix, truth against prediction, made-up words.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { RunInfo } from "../../shared/protocol.ts";
import type { PaintedPoint } from "../../shared/state.ts";
import * as say from "../../texts/en/lab.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { classColor, colors } from "../draw/colors.ts";
import { apart } from "../draw/names.ts";
import { drawLine, drawPlane, drawResiduals, frameOf } from "../draw/output.ts";
import { percent, short } from "../numbers.ts";
import { change, hot, onPicture, playing, repaint, ringed, run, shown, state } from "../store.ts";
import { Choice, Segments } from "./controls.tsx";
import { lookedAt } from "./Network.tsx";

const steps = signal(false);
type Kind = "map" | "matrix" | "residuals" | "samples";
const wanted = signal<Kind | undefined>(undefined);

function kindsOf({ data }: RunInfo): Kind[] {
  if (state.value.data === "words") return ["samples"];
  const plane = data.ranges.length > 0;
  if (data.task === "number")
    return data.given > 1 ? (plane ? ["residuals", "map"] : ["residuals"]) : ["map", "residuals"];
  return plane ? (data.given > 2 ? ["matrix", "map"] : ["map", "matrix"]) : ["matrix"];
}

const kindTitles: Readonly<Record<Kind, string>> = {
  map: say.map,
  matrix: say.confusion,
  residuals: say.truthAndPrediction,
  samples: say.samples,
};

/** Points are placed at the pointer; a stroke places several. */
function paintAt(event: PointerEvent, info: RunInfo): void {
  const canvas = event.currentTarget;
  if (!(canvas instanceof HTMLElement)) return;
  const box = canvas.getBoundingClientRect();
  const { left, top, size } = frameOf({ width: box.width, height: box.height });
  const [[x0, x1], [y0, y1]] = [info.data.ranges[0] ?? [-1, 1], info.data.ranges[1] ?? [-1, 1]];
  const u = (event.clientX - box.left - left) / size;
  const v = 1 - (event.clientY - box.top - top) / size;
  if (u < 0 || u > 1 || v < 0 || v > 1) return;
  const point: PaintedPoint = [
    Math.round(100 * (x0 + u * (x1 - x0))) / 100,
    Math.round(100 * (y0 + v * (y1 - y0))) / 100,
    event.shiftKey || event.buttons === 2 ? 1 : 0,
  ];
  const { points } = state.value;
  const near = (other: PaintedPoint): boolean =>
    Math.hypot(other[0] - point[0], other[1] - point[1]) < 0.06 * (x1 - x0) * (event.altKey ? 1 : 0.35);
  if (event.altKey) change({ points: points.filter((other) => !near(other)) });
  else if (!points.some(near) && points.length < 600) change({ points: [...points, point] });
}

function startPoints(info: RunInfo): readonly PaintedPoint[] {
  const { shown } = info.data;
  return Array.from(
    { length: Math.min(shown.count, 300) },
    (_, row): PaintedPoint => [
      Math.round(100 * (shown.features[row * shown.width] ?? 0)) / 100,
      Math.round(100 * (shown.features[row * shown.width + 1] ?? 0)) / 100,
      shown.targets[row] === 1 ? 1 : 0,
    ],
  );
}

function MapView({ info }: { readonly info: RunInfo }) {
  const [painting, setPainting] = useState(false);
  const { data } = info;
  const hard = steps.value;
  const looked = lookedAt.value;
  const inside = looked !== undefined && looked.stage > 0 && looked.stage < (run.value?.stages.length ?? 0) - 1;
  const paint = (surface: Surface): void => {
    const { snapshot } = hot;
    if (snapshot === undefined) return;
    const frame = frameOf(surface);
    if (data.given === 1) drawLine(surface, snapshot.maps, data, colors.value, frame);
    else {
      const { side, stages } = snapshot.maps;
      const values = inside ? stages[looked.stage] : undefined;
      const neuron =
        values === undefined || values.length === 0 || looked === undefined
          ? undefined
          : { values, from: looked.unit * side * side, side };
      drawPlane(surface, { maps: snapshot.maps, info: data }, colors.value, frame, {
        name: "lab",
        points: true,
        steps: hard,
        neuron,
        ring: ringed.value,
      });
    }
  };
  const plane = data.given === 2 && data.task === "binary";
  const begin = (event: PointerEvent): void => {
    if (!plane) return;
    if (state.value.data !== "painted") return;
    event.preventDefault();
    setPainting(true);
    paintAt(event, info);
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: painting is for pointers; points are listed and removable in the data panel */}
      <div
        class={`map-box ${state.value.data === "painted" ? "painting" : ""}`}
        onPointerDown={begin}
        onPointerMove={(event) => painting && event.buttons > 0 && paintAt(event, info)}
        onPointerUp={() => setPainting(false)}
        onContextMenu={(event) => state.value.data === "painted" && event.preventDefault()}
      >
        <Canvas
          paint={paint}
          label={
            data.given === 1
              ? say.theFittedCurveOverWithThe(data.inputs[0] ?? "")
              : say.whatTheNetworkAnswersOverAnd(data.inputs[0] ?? "", data.inputs[1] ?? "")
          }
        />
        {inside && data.given > 1 && (
          <p class="map-note" aria-hidden="true">
            {say.layerNeuron(looked.stage, looked.unit + 1)}
          </p>
        )}
      </div>
      {data.given > 2 && <Axes info={info} />}
      <div class="row">
        {data.task !== "number" && (
          <button
            type="button"
            class="small"
            aria-pressed={hard}
            onClick={() => {
              steps.value = !hard;
              repaint();
            }}
          >
            {say.decisionsOnly}
          </button>
        )}
        {plane && state.value.data !== "painted" && (
          <button
            type="button"
            class="small changing"
            onClick={() => change({ data: "painted", names: "", points: startPoints(info), edits: [] })}
          >
            {say.paintPoints}
          </button>
        )}
      </div>
      <Legend info={info} />
    </>
  );
}

function Axes({ info }: { readonly info: RunInfo }) {
  const { axes } = state.value;
  const options = info.data.inputs.map((name, place) => [String(place), name] as const);
  return (
    <div class="row axes">
      <Choice
        label={say.across}
        value={String(axes[0])}
        options={options}
        choose={(value) => change({ axes: [Number(value), axes[1]] })}
      />
      <Choice
        label={say.up}
        value={String(axes[1])}
        options={options}
        choose={(value) => change({ axes: [axes[0], Number(value)] })}
      />
    </div>
  );
}

function Legend({ info }: { readonly info: RunInfo }) {
  const { classes, task, targetRange } = info.data;
  const palette = colors.value;
  const shapes = ["●", "■", "▲", "◆"];
  if (task === "number") {
    return info.data.given === 1 ? (
      <p class="legend">
        {say.dataNetwork(<span style={{ color: palette.low }}>●</span>, <span style={{ color: palette.high }}>━</span>)}
      </p>
    ) : (
      <p class="legend">
        {say.to2(
          <span style={{ color: palette.low }}>■</span>,
          short(targetRange[0]),
          <span style={{ color: palette.high }}>■</span>,
          short(targetRange[1]),
        )}
      </p>
    );
  }
  return (
    <p class="legend">
      {classes.slice(0, 10).map((name, place) => (
        <span key={name} class="class-name">
          <span style={{ color: classColor(palette, place) }} aria-hidden="true">
            {shapes[place % 4]}
          </span>{" "}
          {name}
        </span>
      ))}
      {info.data.testCount > 0 && <span class="class-name">{say.paleTestRows}</span>}
    </p>
  );
}

function Matrix({ info }: { readonly info: RunInfo }) {
  const table = useRef<HTMLTableElement>(null);
  const { classes } = info.data;
  const palette = colors.value;
  // Names that do not fit side by side are rotated.
  const narrow = classes.length > 2 && classes.reduce((sum, name) => sum + Math.max(3, name.length), 0) > 20;
  const shownNames = narrow ? apart(classes) : classes;
  useEffect(() => {
    let last = 0;
    const write = (): void => {
      const now = performance.now();
      const counts = hot.snapshot?.output.confusion;
      if (
        counts === undefined ||
        counts.length !== classes.length ** 2 ||
        (playing.peek() && now - last < 120 && last > 0)
      )
        return;
      last = now;
      table.current?.querySelectorAll("td").forEach((cell, place) => {
        const row = Math.floor(place / classes.length);
        let sum = 0;
        for (let k = 0; k < classes.length; k++) sum += counts[row * classes.length + k] ?? 0;
        const count = counts[place] ?? 0;
        const share = sum === 0 ? 0 : count / sum;
        cell.textContent = count === 0 ? "·" : String(count);
        const right = place % classes.length === row;
        cell.style.setProperty("--share", String(count === 0 ? 0 : 0.08 + 0.42 * share));
        cell.style.setProperty("--hue", right ? palette.high : palette.low);
      });
    };
    write();
    return onPicture(write);
  }, [classes, palette]);
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={say.confusionMatrix}>
      <table
        class={`matrix ${narrow ? "narrow" : ""}`}
        style={{
          "--cell": `${Math.round(Math.max(19, Math.min(44, 200 / classes.length)))}px`,
          // No count has more digits than that of all rows.
          "--figure": `${8 * String(info.data.testCount || info.data.trainCount).length + 8}px`,
        }}
        ref={table}
      >
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">{say.truth}</span>
            </th>
            {classes.map((name, place) => (
              <th key={name} scope="col" title={name}>
                <span>{shownNames[place]}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map((name, place) => (
            <tr key={name}>
              <th scope="row" title={name}>
                {shownNames[place]}
              </th>
              {classes.map((other) => (
                <td key={other}>·</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Residuals({ info }: { readonly info: RunInfo }) {
  const paint = (surface: Surface): void => {
    if (hot.snapshot === undefined) return;
    const { pairs } = hot.snapshot.output;
    drawResiduals(surface, { pairs, target: info.data.target }, colors.value, frameOf(surface));
  };
  return (
    <>
      <div class="map-box">
        <Canvas paint={paint} label={say.trueAndPredictedOnTheDashed(info.data.target)} />
      </div>
      <p class="legend">{say.acrossTrueUpPredictedOnThe(info.data.target)}</p>
      <AsTable
        label={say.trueAndPredictedValues}
        heads={[say.trueWord, say.predicted, say.difference]}
        rows={() => {
          const { pairs } = hot.snapshot?.output ?? { pairs: new Float32Array() };
          return Array.from({ length: pairs.length / 2 }, (_, k) => {
            const [truth, said] = [pairs[2 * k] ?? 0, pairs[2 * k + 1] ?? 0];
            return [short(truth), short(said), short(said - truth)];
          });
        }}
      />
    </>
  );
}

function Samples() {
  shown.value;
  return (
    <>
      <ul class="samples">
        {(hot.snapshot?.output.samples ?? []).map((word, place) => (
          <li key={`${place} ${word}`}>{word === "" ? "–" : word}</li>
        ))}
      </ul>
      <p class="legend">{say.wordsMadeUpLetterByLetter}</p>
    </>
  );
}

export function Output() {
  const info = run.value;
  if (info === undefined) return <section class="panel output" id="part-Output" aria-label={say.output} />;
  const kinds = kindsOf(info);
  const kind = kinds.find((name) => name === wanted.value) ?? kinds[0] ?? "map";
  return (
    <section class="panel output" id="part-Output" aria-labelledby="output-title">
      <header>
        <h2 id="output-title">{say.output}</h2>
        <Segments
          label={say.show}
          value={kind}
          options={kinds.map((name) => [name, kindTitles[name]])}
          choose={(name) => {
            wanted.value = name;
          }}
        />
      </header>
      {kind === "map" && <MapView info={info} />}
      {kind === "matrix" && <Matrix info={info} />}
      {kind === "matrix" && (
        <p class="legend">
          {say.downTheTruthAcrossWhatThe(info.data.testCount > 0 ? say.testRows2 : say.trainingRows2)}
        </p>
      )}
      {kind === "residuals" && <Residuals info={info} />}
      {kind === "samples" && <Samples />}
      {kind === "matrix" && info.data.given <= 2 && (
        <p class="legend">
          {say.accuracy2(
            info.data.testCount > 0 ? say.test2 : say.train2,
            percent((hot.snapshot?.now.test ?? hot.snapshot?.now.train)?.metric ?? 0),
          )}
        </p>
      )}
    </section>
  );
}
