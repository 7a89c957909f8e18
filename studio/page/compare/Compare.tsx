// Compare: lanes that start the same and differ in one setting, their curves, boundaries and slopes, bands over seeds, the landscape.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { comparePresets, type Landscape, type LaneNumbers, quartiles } from "../../shared/compare.ts";
import { patchTitle } from "../../shared/pairings.ts";
import type { LanePatch } from "../../shared/state.ts";
import { mostLanes } from "../../shared/state.ts";
import * as say from "../../texts/en/compare.ts";
import { Icon } from "../icons.tsx";
import { Segments } from "../lab/controls.tsx";
import { percent, short } from "../numbers.ts";
import { change, client, play, playing, run, spoken, state, takeOver } from "../store.ts";
import { ForkForm } from "./ForkForm.tsx";
import { LandscapeView } from "./LandscapeView.tsx";
import { type Band, LaneCurves } from "./LaneCurves.tsx";
import { LaneKey } from "./LaneKey.tsx";
import { LaneMap } from "./LaneMap.tsx";

/** The numbers of each lane so far, by step. */
const seen = signal<readonly (readonly LaneNumbers[])[]>([]);
const running = signal(false);
const equal = signal<"steps" | "time">("steps");
const curve = signal<"loss" | "metric">("loss");
const bands = signal<readonly Band[]>([]);
const busy = signal("");
const landscape = signal<Landscape | undefined>(undefined);
const asTable = signal(false);
const goal = signal(2000);
const says = signal("");

let generation = 0;

async function open(): Promise<void> {
  const mine = ++generation;
  running.value = false;
  bands.value = [];
  landscape.value = undefined;
  busy.value = "";
  const first = await client.ask("lanes", { state: state.value, lanes: state.value.lanes }).catch((error: unknown) => {
    busy.value = error instanceof Error ? error.message : String(error);
    return undefined;
  });
  if (first !== undefined && mine === generation) seen.value = [first];
}

async function advance(): Promise<void> {
  const mine = generation;
  running.value = true;
  const each = Math.max(10, Math.round(goal.value / 100));
  while (running.value && mine === generation) {
    const last = seen.value.at(-1);
    if (last !== undefined && equal.value === "steps" && (last[0]?.step ?? 0) >= goal.value) break;
    const next = await client.ask("moveLanes", equal.value === "steps" ? { steps: each } : { milliseconds: 25 });
    if (mine !== generation) return;
    seen.value = seen.value.length > 300 ? [...seen.value.filter((_, k) => k % 2 === 0), next] : [...seen.value, next];
    if (equal.value === "time" && seen.value.length > 150) break;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  running.value = false;
  spoken.value = say.theLanesStandAtStep(seen.value.at(-1)?.[0]?.step ?? 0);
}

async function tenSeeds(): Promise<void> {
  const mine = generation;
  const steps = Array.from({ length: 25 }, (_, k) => Math.round((goal.value * k) / 24));
  const lanes = 1 + state.value.lanes.length;
  const runs: { loss: Float32Array; metric: Float32Array }[][] = Array.from({ length: lanes }, () => []);
  for (let seed = 1; seed <= 10; seed++) {
    for (let lane = 0; lane < lanes; lane++) {
      busy.value = say.seedOfLaneOf(seed, lane + 1, lanes);
      const one = await client.ask("seedRun", { lane, seed, steps });
      if (mine !== generation) return;
      runs[lane]?.push(one);
    }
    bands.value = runs.map((lane) => ({
      steps,
      loss: steps.map((_, k) => quartiles(lane.map(({ loss }) => loss[k] ?? Number.NaN))),
      metric: steps.map((_, k) => quartiles(lane.map(({ metric }) => metric[k] ?? Number.NaN))),
    }));
  }
  busy.value = "";
  spoken.value = say.theBandsOverTenSeedsAre;
}

function takePreset(id: string): void {
  const preset = comparePresets.find((one) => one.id === id);
  if (preset === undefined) return;
  curve.value = preset.curve;
  goal.value = preset.steps;
  says.value = preset.says;
  takeOver({ ...preset.base, lanes: preset.lanes }, `“${preset.title}”`);
}

const removeLane = (place: number): void => change({ lanes: state.value.lanes.filter((_, k) => k !== place - 1) });

const laneName = (patch: LanePatch | undefined): string => (patch === undefined ? say.asInTheLab : patchTitle(patch));

function Lane({ place, numbers }: { readonly place: number; readonly numbers: LaneNumbers | undefined }) {
  const info = run.value?.data;
  const patch = state.value.lanes[place - 1];
  const name = laneName(place === 0 ? undefined : patch);
  const most = Math.max(
    1e-9,
    ...(seen.value.at(-1) ?? []).flatMap(({ gradients }) => gradients.filter(Number.isFinite)),
  );
  return (
    <li class="lane panel">
      <header>
        <h3 title={name}>
          <LaneKey lane={place} />
          {name}
        </h3>
        {place > 0 && (
          <button
            type="button"
            class="small quiet"
            aria-label={say.removeTheLane(name)}
            onClick={() => removeLane(place)}
          >
            <Icon name="close" />
          </button>
        )}
      </header>
      {info !== undefined && numbers !== undefined && numbers.side > 0 && (
        <LaneMap info={info} numbers={numbers} name={name} />
      )}
      {numbers !== undefined && (
        <>
          <dl class="lane-figures">
            <div>
              <dt>{say.trainLoss}</dt>
              <dd>{short(numbers.train.loss)}</dd>
            </div>
            <div>
              <dt>
                {numbers.test === undefined ? say.train : say.test} {info?.task === "number" ? "R²" : say.accuracy}
              </dt>
              <dd>{(info?.task === "number" ? short : percent)((numbers.test ?? numbers.train).metric)}</dd>
            </div>
            <div>
              <dt>{say.step}</dt>
              <dd>{numbers.step}</dd>
            </div>
          </dl>
          <div
            class="slopes"
            role="img"
            aria-label={say.lengthOfTheSlopeInEach(numbers.gradients.map(short).join(", "))}
          >
            {numbers.gradients.map((size, k) => {
              // The bars cover five powers of ten.
              const share = Number.isFinite(size) && size > 0 ? Math.max(0.02, 1 + Math.log10(size / most) / 5) : 0.02;
              return (
                <span
                  key={k}
                  style={{ height: `${100 * Math.min(1, share)}%` }}
                  title={say.layer(k + 1, short(size))}
                />
              );
            })}
          </div>
          <p class="hint">{say.slopeInEachLayerLogarithmic}</p>
        </>
      )}
    </li>
  );
}

function Table() {
  const steps = seen.value.filter((_, k) => k % Math.max(1, Math.ceil(seen.value.length / 25)) === 0);
  return (
    <div class="table-scroll filling" tabIndex={0} role="region" aria-label={say.figuresOfEveryLane}>
      <table>
        <thead>
          <tr>
            <th scope="col">{say.step}</th>
            {[undefined, ...state.value.lanes].map((lane, k) => (
              <th key={k} scope="col">
                {laneName(lane)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((lanes, k) => (
            <tr key={k}>
              <th scope="row">{lanes[0]?.step ?? 0}</th>
              {lanes.map(({ train }, lane) => (
                <td key={lane}>{short(train[curve.value])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What the lanes have in common, if anything. */
function beginnings(latest: readonly LaneNumbers[]): string {
  if (latest.length < 2) return "";
  const patches = [{}, ...state.value.lanes];
  const data = patches.every((patch) => !Object.keys(patch).some((key) => dataKeys.has(key)));
  const seed = patches.every((patch) => !("seed" in patch));
  const others = latest.flatMap(({ sameStart }, place) => (sameStart ? [] : [`“${laneName(patches[place])}”`]));
  const common = [...(data ? [say.theSameData] : []), ...(seed ? [say.theSameSeed] : [])];
  const shared = [...common, ...(others.length === 0 ? [say.theSameInitialWeights] : [])];
  const all = shared.length > 0 ? say.allLanesHave(new Intl.ListFormat("en").format(shared)) : "";
  return others.length === 0 ? all : say.otherInitialWeightsBecauseThe(all, new Intl.ListFormat("en").format(others));
}
const dataKeys: ReadonlySet<string> = new Set([
  "data",
  "count",
  "noise",
  "test",
  "dataSeed",
  "points",
  "target",
  "without",
]);

export function Compare() {
  const { lanes } = state.value;
  const info = run.value;
  // Lanes depend on everything in the state except the step and the view.
  const key = JSON.stringify({
    ...state.value,
    step: 0,
    surface: "",
    selected: "",
    logLoss: false,
    speed: 0,
    axes: [],
  });
  useEffect(() => {
    if (playing.peek()) play(false);
    return () => {
      running.value = false;
    };
  }, []);
  useEffect(() => void open(), [key]);
  const latest = seen.value.at(-1) ?? [];
  const number = info?.data.task === "number";
  return (
    <div class="compare">
      <section class="panel" aria-labelledby="presets-title">
        <header>
          <h2 id="presets-title">{say.experiments}</h2>
        </header>
        <div class="row">
          {comparePresets.map(({ id, title }) => (
            <button key={id} type="button" class="small" onClick={() => takePreset(id)}>
              {title}
            </button>
          ))}
        </div>
        {says.value !== "" && <p class="says">{says}</p>}
      </section>
      <section class="panel" aria-labelledby="lanes-title">
        <header>
          <h2 id="lanes-title">{say.lanes}</h2>
          <button
            type="button"
            class="accent steady"
            onClick={() => {
              if (running.value) running.value = false;
              else void advance();
            }}
          >
            {running.value ? say.stop : say.runAllLanes}
          </button>
          <label class="row">
            <span class="hint">{say.equal}</span>
            <select
              value={equal.value}
              onChange={({ currentTarget }) => {
                equal.value = currentTarget.value === "time" ? "time" : "steps";
              }}
            >
              <option value="steps">{say.steps}</option>
              <option value="time">{say.time}</option>
            </select>
          </label>
          <label class="row">
            <span class="hint">{say.upToStep}</span>
            <select
              value={String(goal.value)}
              onChange={({ currentTarget }) => {
                goal.value = Number(currentTarget.value);
              }}
            >
              {[200, 500, 1000, 1200, 2000, 3000, 5000, 10000].map((count) => (
                <option key={count} value={String(count)}>
                  {count}
                </option>
              ))}
            </select>
          </label>
          <button type="button" class="small" disabled={busy.value !== ""} onClick={() => void tenSeeds()}>
            {say.n10Seeds}
          </button>
          <button
            type="button"
            class="small"
            disabled={seen.value.length < 4}
            onClick={() =>
              void client.ask("landscape", null).then((found) => {
                landscape.value = found;
              })
            }
          >
            {say.landscape}
          </button>
          <button type="button" class="small" onClick={() => void open()}>
            {say.rewind}
          </button>
        </header>
        <p class="hint lanes-say" role="status">
          <span class={busy.value === "" ? "" : "kept-room"}>{beginnings(latest)}</span>
          <span>{busy}</span>
        </p>
        <div class="row end curve-tools">
          <Segments
            label={say.curve}
            value={curve.value}
            options={[
              ["loss", say.trainLoss],
              ["metric", say.train2(number ? "R²" : say.accuracy)],
            ]}
            choose={(one) => {
              curve.value = one;
            }}
          />
          <button
            type="button"
            class="small"
            aria-pressed={state.value.logLoss}
            disabled={curve.value !== "loss"}
            onClick={() => change({ logLoss: !state.value.logLoss })}
          >
            {say.log}
          </button>
          <button
            type="button"
            class="small"
            aria-pressed={asTable.value}
            onClick={() => {
              asTable.value = !asTable.value;
            }}
          >
            <Icon name="table" /> {asTable.value ? say.showAsChart : say.showAsTable}
          </button>
        </div>
        {asTable.value ? (
          <Table />
        ) : (
          <div class="chart-box">
            <LaneCurves
              seen={seen.value}
              bands={bands.value}
              which={curve.value}
              log={state.value.logLoss}
              names={[undefined, ...lanes].map(laneName)}
            />
            {seen.value.length < 2 && bands.value.length === 0 && !running.value && (
              <p class="chart-empty">{lanes.length === 0 ? say.oneLaneSoFarTakeAn : say.runAllLanesTheirCurvesAre}</p>
            )}
          </div>
        )}
      </section>
      <ul class="lanes">
        {[undefined, ...lanes].map((_, place) => (
          <Lane key={place} place={place} numbers={latest[place]} />
        ))}
        {lanes.length < mostLanes && (
          <li class="lane panel">
            <ForkForm />
          </li>
        )}
      </ul>
      {landscape.value !== undefined && (
        <LandscapeView landscape={landscape.value} names={[undefined, ...lanes].map(laneName)} />
      )}
    </div>
  );
}
