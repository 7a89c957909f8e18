// The page's store: the state, the run, the latest snapshot, and everything that changes them.

import { computed, signal } from "@preact/signals";
import { type DataName, lossesOf, memberLosses } from "../shared/names.ts";
import type { OnnxNetwork } from "../shared/onnx.ts";
import type { Project } from "../shared/project.ts";
import type { Advice, Beginning, OwnData, RunInfo, Saved, SavedTensor, Snapshot, Stopped } from "../shared/protocol.ts";
import {
  ensembleOf,
  fields,
  type Key,
  parseHash,
  printHash,
  readState,
  runKey,
  type StudioState,
  startState,
} from "../shared/state.ts";
import { presetOf } from "../shared/text.ts";
import { addPoint } from "../shared/thin.ts";
import * as say from "../texts/en/frame.ts";
import { Client } from "./client.ts";
import { embedding } from "./embedding.ts";
import type { Handed } from "./handed.ts";
import { type Aside, forget, keep, type OwnText, recall } from "./keep.ts";
import { presetFor } from "./presets.ts";
import { type Entry, entryFor, Visits } from "./visits.ts";

const query = new URLSearchParams(location.search);

export interface Said {
  readonly text: string;
  readonly bad: boolean;
  readonly fix: string;
  readonly act: () => void;
}

/** Tests fix everything that would differ between runs, and read the page's memory. */
export const testing = query.get("test") === "1";
/** Only offline tests request it, because the others share a browser. */
export const wantsOffline = query.get("offline") === "1";
export const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

export const state = signal<StudioState>(startState);
export const run = signal<RunInfo | undefined>(undefined);
export const playing = signal(false);
export const stopped = signal<Stopped | undefined>(undefined);
/** The doctor's advice during the run. */
export const advice = signal<readonly Advice[]>([]);
export const failure = signal("");
export const progress = signal("");
export const own = signal<OwnData | undefined>(undefined);
/** The visitor's own text on the Text surface. */
export const ownText = signal<OwnText | undefined>(undefined);
/** The notice of a surface with its own run, and the effect of a click on it. */
export const said = signal<Said | undefined>(undefined);
/** The run from the command line that the visitor came with. */
let beginning: Beginning | undefined;
/** The text of the polite live region, updated at most every two seconds. */
export const spoken = signal("");
/** The shown step. It changes with every picture, so only elements that are rarely drawn may read it. */
export const shownStep = signal(0);
/** Counts the pictures: it also changes when a different network is at the same step. */
export const shown = signal(0);
/** A point of the plane under discussion: the map draws a ring around it. */
export const ringed = signal<readonly number[] | undefined>(undefined);
export const surface = computed(() => state.value.surface);

/** The latest picture, for canvases: too frequent for the DOM. */
export const hot: { snapshot: Snapshot | undefined; history: Snapshot["history"][number][]; stale: boolean } = {
  snapshot: undefined,
  history: [],
  /** Whether the picture still belongs to the previous run. */
  stale: true,
};
/** Counts the runs requested from the worker. */
let asked = 0;
/** Whether the worker has begun the last requested one: earlier messages belong to an older one. */
let begun = false;
const painters = new Set<() => void>();

/** Calls `paint` for every new picture, until the returned function is called. */
export function onPicture(paint: () => void): () => void {
  painters.add(paint);
  return () => painters.delete(paint);
}

let frame = 0;
export function repaint(): void {
  if (frame === 0) {
    frame = requestAnimationFrame(() => {
      frame = 0;
      for (const paint of painters) paint();
    });
  }
}

export const client = new Client(new URL("worker.js", new URL(".", import.meta.url)), (message) => {
  switch (message.kind) {
    case "ready":
      begun = message.number === asked;
      run.value = message.run;
      failure.value = "";
      progress.value = "";
      if (begun && message.run.loss !== state.value.loss) state.value = { ...state.value, loss: message.run.loss };
      return;
    case "snapshot":
      take(message.snapshot);
      return;
    case "stopped":
      if (!begun) return;
      playing.value = false;
      stopped.value = message.stopped;
      spoken.value = message.stopped.text;
      rememberStep();
      return;
    case "failed":
      playing.value = false;
      failure.value = message.text;
      return;
    case "progress":
      progress.value = message.text;
      return;
  }
});

let lastSpoken = 0;
/** Whether a picture of a trained network was shown. */
let learned = false;

function take(snapshot: Snapshot): void {
  progress.value = "";
  if (snapshot.reset) hot.history.splice(0);
  const from = snapshot.history[0]?.step ?? Number.POSITIVE_INFINITY;
  while ((hot.history.at(-1)?.step ?? -1) >= from) hot.history.pop();
  for (const point of snapshot.history) addPoint(hot.history, point);
  hot.snapshot = snapshot;
  if (snapshot.advice.map(({ code }) => code).join() !== advice.value.map(({ code }) => code).join())
    advice.value = snapshot.advice;
  if (begun) hot.stale = false;
  if (!learned && snapshot.step > 0) {
    learned = true;
    requestAnimationFrame(() => performance.mark("first-learned"));
  }
  shownStep.value = snapshot.step;
  shown.value++;
  const now = performance.now();
  if (playing.value && now - lastSpoken > 4000) {
    lastSpoken = now;
    spoken.value = say.epochTrainingLoss(Math.floor(snapshot.epoch), snapshot.now.train.loss.toPrecision(3));
  }
  if (begun && !playing.value) rememberStep();
  if (frame === 0) {
    frame = requestAnimationFrame(() => {
      frame = 0;
      const begun = performance.now();
      for (const paint of painters) paint();
      frameTimes.push(performance.now() - begun);
      if (frameTimes.length > 600) frameTimes.shift();
      client.send({ kind: "drawn" });
    });
  } else client.send({ kind: "drawn" });
}

/** Milliseconds that the last frames took on this thread, for measurements. */
export const frameTimes: number[] = [];

/** Starts the run of the state. */
function begin(goTo = 0, saved?: Saved): void {
  stopped.value = undefined;
  failure.value = "";
  begun = false;
  hot.stale = true;
  client.send({
    kind: "run",
    number: ++asked,
    state: state.value,
    own: state.value.data === "own" ? own.value : undefined,
    saved,
    beginning: beginning?.runKey === runKey(state.value) ? beginning : undefined,
    playing: playing.value,
    goTo,
  });
}

/** Whether the experiment is locked by the surrounding page, which is announced. */
function refused(): boolean {
  if (embedding?.locked !== true) return false;
  spoken.value = say.thisExperimentCannotBeChangedHere;
  return true;
}

/** Changes the state. Fields that affect the run's numbers restart it from its initial weights. */
export function change(patch: Partial<StudioState>, entry: Entry = entryFor(patch)): void {
  const next = { ...state.value, ...patch };
  const anew = runKey(next) !== runKey(state.value);
  if (anew && refused()) return;
  leaveEntry(entry);
  state.value = anew ? { ...next, step: 0 } : next;
  if (anew) begin();
  else client.send({ kind: "view", state: state.value });
  showInAddress();
  keepSoon();
}

/** Changes only what the page itself shows; the worker is not involved. */
export function look(patch: Pick<Partial<StudioState>, "term" | "row">): void {
  state.value = { ...state.value, ...patch };
  showInAddress();
}

/** Sets weights at the current step without a restart: an edit that the state stores. */
export function editWeight(parameter: string, index: number, value: number): void {
  if (refused()) return;
  const step = presentStep();
  const edits = state.value.edits.filter(
    (edit) => edit.step < step || (edit.step === step && (edit.parameter !== parameter || edit.index !== index)),
  );
  leaveEntry(entryFor({ edits }));
  state.value = { ...state.value, edits: [...edits, { step, parameter, index, value }], step };
  begin(step);
  showInAddress();
}

/** Chooses data together with suitable settings. */
export function chooseData(data: DataName): void {
  change(presetFor(data, state.value));
}

export function play(on: boolean): void {
  if (on === playing.value) return;
  if (on) stopped.value = undefined;
  playing.value = on;
  client.send({ kind: "play", playing: on });
}

export function advance(steps: number): void {
  playing.value = false;
  stopped.value = undefined;
  client.send({ kind: "advance", steps });
}

export function goTo(step: number): void {
  playing.value = false;
  stopped.value = undefined;
  client.send({ kind: "goTo", step });
}

export const rewind = (): void => {
  const wasPlaying = playing.value;
  goTo(0);
  if (wasPlaying) play(true);
};
/** Returns to the first seed after a thousand. */
export const newSeed = (): void => change({ seed: (state.value.seed * 21 + 1) % 1000, edits: [] });

/** Applies the remedy that a stop offers. */
export function takeFix({ patch, goTo: step }: Pick<Stopped, "patch" | "goTo">): void {
  if (patch !== undefined) {
    if (refused()) return;
    playing.value = true;
    change(patch);
  } else if (step !== undefined) goTo(step);
}

/** The run's step; before its first picture, the requested one. */
const presentStep = (): number => (hot.stale ? state.value.step : (hot.snapshot?.step ?? state.value.step));

function rememberStep(): void {
  const step = presentStep();
  if (state.value.step !== step) {
    state.value = { ...state.value, step };
    showInAddress();
  }
  keepSoon();
}

const visits = new Visits();

/** Stores the state that is being left, and begins a new entry if Back should return to it. */
function leaveEntry(entry: Entry): void {
  // The history of a surrounding page is not for this page's steps.
  if (entry === "same" || embedding !== undefined) return;
  clearTimeout(addressTimer);
  const step = presentStep();
  visits.leave({ ...state.value, step }, own.value);
  entered = true;
}

/** Whether a new entry does not have its own address yet. */
let entered = false;
let addressTimer = 0;
function showInAddress(): void {
  clearTimeout(addressTimer);
  if (entered) {
    // Without delay: going back during the pause would leave an entry with the previous address.
    entered = false;
    visits.show(state.value, own.value);
  } else addressTimer = window.setTimeout(() => visits.show(state.value, own.value), 120);
}

/** Goes to an earlier state: by Back, by Forward, or to the one set aside. */
function travel(next: StudioState, data: OwnData | undefined): void {
  const anew = runKey(next) !== runKey(state.value) || (next.data === "own" && data !== own.value);
  own.value = data;
  state.value = anew ? next : { ...next, step: state.value.step };
  if (anew) {
    playing.value = false;
    begin(next.step);
  } else client.send({ kind: "view", state: state.value });
  keepSoon();
}

/** The visitor's own experiment, while a lesson or a preset replaces it. */
export const aside = signal<Aside | undefined>(undefined);

/** Uses the page for a lesson or a preset; the visitor's experiment is kept for the way back. */
export function takeOver(patch: Partial<StudioState>, by: string): void {
  const step = presentStep();
  aside.value = { ...(aside.value ?? { state: { ...state.value, step }, own: own.value }), by };
  change(patch, "new");
}

/** Back to the experiment that was set aside. */
export function bringBack(patch: Partial<StudioState>): void {
  const kept = aside.value;
  aside.value = undefined;
  leaveEntry("new");
  if (kept === undefined) change(patch, "same");
  else travel({ ...kept.state, ...patch }, kept.own);
  showInAddress();
}

/** Undoes the latest change, as the browser's Back does, without leaving the page. */
export function undo(): void {
  if (visits.depth > 0) history.back();
  else spoken.value = say.thereIsNothingToUndo;
}

/** Makes the current experiment the visitor's own. */
export function keepThis(): void {
  aside.value = undefined;
  keepSoon();
}

/** The address that opens this experiment at this step. */
export function linkHere(patch: Partial<StudioState> = {}): string {
  const hash = printHash({ ...state.value, step: presentStep(), ...patch });
  return `${location.origin}${location.pathname}${hash === "" ? "" : `#${hash}`}`;
}

let keepTimer = 0;
function keepSoon(): void {
  clearTimeout(keepTimer);
  keepTimer = window.setTimeout(() => void keepNow(), 800);
}

export async function keepNow(): Promise<void> {
  // An embedded page belongs to the surrounding one.
  if (run.value === undefined || embedding !== undefined) return;
  const saved = await client.ask("save", null).catch(() => undefined);
  const kept = {
    ...{ state: state.value, saved, own: own.value, beginning, playing: playing.value },
    ...{ aside: aside.value, text: ownText.value },
  };
  await keep(kept).catch(() => undefined);
}

/** Deletes everything of the visitor's: state, run, data. */
export async function forgetAll(): Promise<void> {
  await forget();
  aside.value = undefined;
  leaveEntry("new");
  own.value = undefined;
  ownText.value = undefined;
  beginning = undefined;
  state.value = startState;
  playing.value = false;
  begin();
  showInAddress();
}

export function useOwn(data: OwnData, patch: Partial<StudioState>): void {
  leaveEntry("new");
  own.value = data;
  const next = { ...state.value, ...patch, data: "own" as const, edits: [], step: 0 };
  state.value = next;
  begin();
  showInAddress();
  keepSoon();
}

/** Continues an experiment from a file, exactly where it stopped. */
export async function openProject(project: Project): Promise<void> {
  const tensors = await client.ask("tensors", project.tensors);
  leaveEntry("new");
  own.value = project.own;
  state.value = project.state;
  playing.value = false;
  begin(0, {
    runKey: runKey(project.state),
    step: project.state.step,
    history: [],
    from: { kind: "project", tensors, random: project.random },
  });
  showInAddress();
  keepSoon();
}

/** Loads the weights of a file into the current network, which restarts with them. */
export async function openWeights(name: string, bytes: Uint8Array): Promise<void> {
  const placeOf = ({ name: path }: { readonly name: string }): number =>
    2 * Number.parseInt(path, 10) + (path.endsWith("weight") ? 0 : 1);
  const weights = [...(await client.ask("tensors", bytes))].sort((a, b) => placeOf(a) - placeOf(b));
  beginWith(name, weights, {});
}

/** Opens the network of an ONNX file on the current data. Throws a message if they do not fit. */
export function openOnnx(name: string, { inputs, outputs, layers, weights }: OnnxNetwork): void {
  const here = run.value?.data;
  const wanted = here?.task === "classes" ? here.classes.length : 1;
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  const image = inputs.length === 3;
  const fits = image
    ? inputs.join() === here?.inputShape.join()
    : inputs.length === 1 && inputs[0] === size(here?.inputShape ?? []);
  // Two outputs for two classes become one: their difference.
  if (here === undefined || !fits || (outputs !== wanted && !(here.task === "binary" && outputs === 2)))
    throw new Error(
      say.takesAndGivesTheDataHere(name, inputs.join(", "), outputs, here?.inputShape.join(", ") ?? "", wanted),
    );
  beginWith(name, weights, { layers, batchNorm: false });
}

function beginWith(name: string, weights: readonly SavedTensor[], patch: Partial<StudioState>): void {
  leaveEntry("new");
  state.value = { ...state.value, ...patch, edits: [], step: 0 };
  beginning = {
    ...{ runKey: runKey(state.value), name, step: 0, weights, history: [] },
    notes: [say.theNetworkBeginsWithTheWeights(name)],
  };
  playing.value = false;
  begin();
  showInAddress();
  keepSoon();
}

/** Sets a field from a control's text; an invalid text changes nothing. */
export function changeText(key: Key, value: string): boolean {
  const parsed = fields[key].parse(value);
  if (parsed === undefined) return false;
  change({ [key]: parsed });
  return true;
}

/** Whether this page was visited before and continues where it stopped. A link opens what it describes. */
function reloaded(): boolean {
  const [entry] = performance.getEntriesByType("navigation");
  return entry instanceof PerformanceNavigationTiming && entry.type !== "navigate";
}

export async function open(): Promise<void> {
  const hash = location.hash;
  const kept =
    embedding !== undefined || (testing && query.get("keep") !== "1")
      ? undefined
      : await recall().catch(() => undefined);
  const handed = await handedOver().catch((error: unknown) => {
    failure.value = error instanceof Error ? error.message : String(error);
    return undefined;
  });
  own.value = kept?.own;
  beginning = kept?.beginning;
  aside.value = kept?.aside;
  ownText.value = kept?.text;
  const wanted = hash.length > 1 ? parseHash(hash) : kept === undefined ? startState : readState(kept.state);
  state.value = wanted;
  // An earlier version stored a run in another form.
  const same = kept?.saved?.from !== undefined && kept.saved.runKey === runKey(wanted);
  const given = reloaded() ? undefined : await handedText();
  if (given !== undefined) {
    ownText.value = given;
    state.value = { ...wanted, surface: "text", text: { ...wanted.text, ...presetOf("own"), step: 0 } };
    begin();
  } else if (handed !== undefined && !(same && reloaded())) {
    own.value = handed.own;
    state.value = { ...wanted, ...handed.patch };
    beginning = handed.beginning && { ...handed.beginning, runKey: runKey(state.value) };
    playing.value = beginning === undefined && !calm;
    begin();
  } else if (same && kept?.saved !== undefined && (reloaded() || hash.length < 2 || kept.saved.step === wanted.step)) {
    playing.value = kept.playing && !calm;
    begin(0, kept.saved);
  } else {
    playing.value = embedding === undefined && wanted.step === 0 && !calm && query.get("play") !== "0";
    begin(calm && wanted.step === 0 ? finishedStill : wanted.step);
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void keepNow();
  });
  setInterval(() => {
    if (playing.value) void keepNow();
  }, 5000);
  addEventListener("popstate", (event) => {
    clearTimeout(addressTimer);
    const next = parseHash(location.hash);
    const visit = visits.arrive(event.state);
    if (visit !== undefined) {
      if (aside.value !== undefined && runKey(aside.value.state) === runKey(next)) aside.value = undefined;
      travel(next, visit.own ?? own.value);
    } else if (printHash(next) !== printHash(state.value)) {
      // A link, or an edited address.
      state.value = next;
      playing.value = false;
      begin(next.step);
    }
  });
}

/** The step of a page without motion: its network is already trained. */
const finishedStill = 1500;

/** A table or a run that the command line serves with the page. */
async function handedOver(): Promise<Handed | undefined> {
  if (query.has("run")) return (await import("./handed.ts")).handedRun(client);
  const name = query.get("table");
  if (name === null) return undefined;
  const answer = await fetch("table.csv");
  if (!answer.ok) return undefined;
  const text = await answer.text();
  return {
    own: { kind: "table", name, text },
    patch: { ...presetFor("own", state.value), data: "own", target: query.get("target") ?? "" },
    beginning: undefined,
  };
}

/** A text that the command line serves with the page. */
async function handedText(): Promise<OwnText | undefined> {
  const name = query.get("text");
  if (name === null) return undefined;
  const answer = await fetch("text.txt");
  return answer.ok ? { name, text: await answer.text() } : undefined;
}

/** The key of the current run with some changes. */
export const runKeyNow = (patch: Partial<StudioState>): string => runKey({ ...state.value, ...patch });

/** The ensemble of the current run: on pictures there is none, whatever the state says. */
export const ensemble = computed(() =>
  run.value === undefined ? state.value.ensemble : ensembleOf(state.value, run.value.data),
);

/** The losses that fit the current task. */
export const fittingLosses = computed(() => {
  const task = run.value?.data.task ?? "binary";
  return ensemble.value === undefined ? lossesOf[task] : memberLosses(task);
});
