// The data: tiles, the visitor's own files, the number of points, the noise, the held-out share.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { featureNames, features } from "../../shared/features.ts";
import { type DataName, dataNames, dataTiles, isPlane } from "../../shared/names.ts";
import { paintedNames } from "../../shared/state.ts";
import * as say from "../../texts/en/lab.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { mark } from "../draw/field.ts";
import { chosenFrom } from "../files.ts";
import { grouped } from "../numbers.ts";
import { dropped } from "../shortcuts.ts";
import { change, chooseData, newSeed, own, run, state } from "../store.ts";
import { Slider } from "./controls.tsx";
import { thumbnail } from "./thumbnails.ts";

const paintTile =
  (name: DataName) =>
  ({ context, width, height }: Surface): void => {
    const palette = colors.value;
    for (const [x, y, kind] of thumbnail(name)) {
      context.fillStyle = palette.classes[kind] ?? palette.ink;
      mark(context, kind, (0.5 + 0.42 * x) * width, (0.5 - 0.42 * y) * height, 1.5);
      context.fill();
    }
  };

function Tile({ name }: { readonly name: DataName }) {
  const { title, about } = dataTiles[name];
  const paint = useMemo(() => paintTile(name), [name]);
  return (
    <button
      type="button"
      class="tile"
      aria-pressed={state.value.data === name}
      title={about}
      onClick={() => chooseData(name)}
    >
      <Canvas paint={paint} of={() => name} />
      <span>{title}</span>
    </button>
  );
}

/** The numbers of points to choose from. */
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
      <h2 id="data-title">{say.data}</h2>
      <div class="tiles">
        {dataNames
          .filter((name) => name !== "own" || own.value !== undefined)
          .map((name) => (
            <Tile key={name} name={name} />
          ))}
      </div>
      <div class="dropzone">
        <b>{say.yourOwnData}</b>
        <span>{say.dropOrPasteACSVTable}</span>
        <div class="row">
          <button type="button" class="small" onClick={() => input.current?.click()}>
            {say.files}
          </button>
          <button type="button" class="small" onClick={() => folder.current?.click()}>
            {say.folder}
          </button>
        </div>
      </div>
      <input
        ref={folder}
        id="own-folder"
        class="unseen"
        type="file"
        tabIndex={-1}
        aria-label={say.chooseAFolderOfPictures}
        onChange={({ currentTarget }) => take(currentTarget)}
      />
      <input
        ref={input}
        id="own-files"
        class="unseen"
        type="file"
        multiple
        tabIndex={-1}
        aria-label={say.chooseFilesOfYourOwn}
        accept=".csv,.tsv,.txt,.gz,.idx,.json,.safetensors,.onnx,image/*"
        onChange={({ currentTarget }) => take(currentTarget)}
      />
      {data === "painted" && (
        <p class="hint">
          {say.paintOnTheOutputMapClick(
            paintedNames(state.value).classes[0],
            paintedNames(state.value).classes[1],
            points.length < 2 && say.twoPointsStandThereUntilYou,
            <button type="button" class="link" onClick={() => change({ points: [] })}>
              {say.eraseAll}
            </button>,
          )}
        </p>
      )}
      {generated && (
        <>
          <Slider
            label={say.points}
            value={count}
            stops={counts}
            show={grouped}
            choose={(value) => change({ count: value })}
          />
          <Slider label={say.noise} value={noise} stops={noises} choose={(value) => change({ noise: value })} />
        </>
      )}
      {isPlane(data) && (
        <fieldset class="features">
          <legend>{say.furtherInputsComputedFromXAnd}</legend>
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
          label={say.testRowsHeldOut}
          value={test}
          stops={shares}
          show={(value) => `${Math.round(100 * value)} %`}
          choose={(value) => change({ test: value })}
        />
      )}
      <div class="row">
        <button type="button" class="small" onClick={() => change({ dataSeed: dataSeed + 1 })}>
          {generated ? say.otherPoints : say.otherSplit}
        </button>
        <button type="button" class="small" onClick={newSeed}>
          {say.otherWeights}
        </button>
      </div>
      <p class="hint data-says">
        {info !== undefined &&
          say.trainingRows(
            grouped(info.trainCount),
            info.testCount > 0 && say.testRows(grouped(info.testCount)),
            info.classes.length > 2 && say.classes(info.classes.length),
            info.inputs.length > 2 && say.inputs(grouped(info.inputs.length)),
          )}
      </p>
      {info !== undefined && info.notes.length > 0 && (
        <details class="hint">
          <summary>{say.whatWasDoneToTheTable}</summary>
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
