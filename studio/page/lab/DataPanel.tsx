// The data: tiles, the visitor's own files, how many points, how noisy, how many held out.
import { useEffect, useRef } from "preact/hooks";
import { featureNames, features } from "../../shared/features.ts";
import { type DataName, dataNames, dataTiles, isPlane } from "../../shared/names.ts";
import { paintedNames } from "../../shared/state.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { mark } from "../draw/field.ts";
import { chosenFrom } from "../files.ts";
import { grouped } from "../numbers.ts";
import { dropped } from "../shortcuts.ts";
import { change, chooseData, newSeed, own, run, state } from "../store.ts";
import { Slider } from "./controls.tsx";
import { thumbnail } from "./thumbnails.ts";

function Tile({ name }: { readonly name: DataName }) {
  const { title, about } = dataTiles[name];
  const paint = ({ context, width, height }: Surface): void => {
    const palette = colors.value;
    for (const [x, y, kind] of thumbnail(name)) {
      context.fillStyle = palette.classes[kind] ?? palette.ink;
      mark(context, kind, (0.5 + 0.42 * x) * width, (0.5 - 0.42 * y) * height, 1.5);
      context.fill();
    }
  };
  return (
    <button
      type="button"
      class="tile"
      aria-pressed={state.value.data === name}
      title={about}
      onClick={() => chooseData(name)}
    >
      <Canvas paint={paint} />
      <span>{title}</span>
    </button>
  );
}

/** The numbers of points that are offered. */
export const counts = [20, 40, 60, 80, 120, 160, 240, 320, 400, 600, 800, 1200, 2000, 3000, 5000];
const noises = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1];
const shares = [0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7];

function take(field: HTMLInputElement): void {
  const files = chosenFrom(field.files ?? []);
  if (files.length > 0) dropped.value = files;
  field.value = "";
}

export function DataPanel() {
  const folder = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (folder.current !== null) folder.current.webkitdirectory = true;
  }, []);
  const input = useRef<HTMLInputElement>(null);
  const { data, count, noise, test, dataSeed, points } = state.value;
  const info = run.value?.data;
  const generated = !["and", "or", "xor", "iris", "words", "painted", "own"].includes(data);
  return (
    <section class="panel data" aria-labelledby="data-title">
      <h2 id="data-title">Data</h2>
      <div class="tiles">
        {dataNames
          .filter((name) => name !== "own" || own.value !== undefined)
          .map((name) => (
            <Tile key={name} name={name} />
          ))}
      </div>
      <div class="dropzone">
        <b>Your own data</b>
        <span>
          Drop or paste a CSV table, or a folder with a sub-folder of pictures for each class. It never leaves this
          browser.
        </span>
        <div class="row">
          <button type="button" class="small" onClick={() => input.current?.click()}>
            Files …
          </button>
          <button type="button" class="small" onClick={() => folder.current?.click()}>
            Folder …
          </button>
        </div>
      </div>
      <input
        ref={folder}
        id="own-folder"
        class="unseen"
        type="file"
        tabIndex={-1}
        aria-label="Choose a folder of pictures"
        onChange={({ currentTarget }) => take(currentTarget)}
      />
      <input
        ref={input}
        id="own-files"
        class="unseen"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Choose files of your own"
        accept=".csv,.tsv,.txt,.gz,.idx,.json,.safetensors,.onnx,image/*"
        onChange={({ currentTarget }) => take(currentTarget)}
      />
      {data === "painted" && (
        <p class="hint">
          Paint on the output map: click or drag for {paintedNames(state.value).classes[0]}, with Shift for{" "}
          {paintedNames(state.value).classes[1]}, with Alt to erase.{" "}
          {points.length < 2 && "Two points stand there until you do. "}
          <button type="button" class="link" onClick={() => change({ points: [] })}>
            Erase all
          </button>
        </p>
      )}
      {generated && (
        <>
          <Slider
            label="points"
            value={count}
            stops={counts}
            show={grouped}
            choose={(value) => change({ count: value })}
          />
          <Slider label="noise" value={noise} stops={noises} choose={(value) => change({ noise: value })} />
        </>
      )}
      {isPlane(data) && (
        <fieldset class="features">
          <legend>Further inputs, computed from x₁ and x₂</legend>
          {featureNames.map((name) => (
            <label key={name}>
              <input
                type="checkbox"
                checked={state.value.features.includes(name)}
                onChange={({ currentTarget }) =>
                  change({
                    features: featureNames.filter((other) =>
                      other === name ? currentTarget.checked : state.value.features.includes(other),
                    ),
                    edits: [],
                    selected: "",
                  })
                }
              />
              {features[name].title}
            </label>
          ))}
        </fieldset>
      )}
      {!["and", "or", "xor"].includes(data) && (
        <Slider
          label="test rows, held out"
          value={test}
          stops={shares}
          show={(value) => `${Math.round(100 * value)} %`}
          choose={(value) => change({ test: value })}
        />
      )}
      <div class="row">
        <button type="button" class="small" onClick={() => change({ dataSeed: dataSeed + 1 })}>
          {generated ? "Other points" : "Other split"}
        </button>
        <button type="button" class="small" onClick={newSeed}>
          Other weights
        </button>
      </div>
      <p class="hint data-says">
        {info !== undefined && (
          <>
            {grouped(info.trainCount)} training rows{info.testCount > 0 && `, ${grouped(info.testCount)} test rows`}
            {info.classes.length > 2 && `, ${info.classes.length} classes`}
            {info.inputs.length > 2 && `, ${grouped(info.inputs.length)} inputs`}.
          </>
        )}
      </p>
      {info !== undefined && info.notes.length > 0 && (
        <details class="hint">
          <summary>What was done to the table</summary>
          <ul>
            {info.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
