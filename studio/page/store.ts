// The page's store: the state, the run, the latest snapshot, and everything that changes them.
import { computed, signal } from "@preact/signals";
import { type DataName, lossesOf } from "../shared/names.ts";
import type { Project } from "../shared/project.ts";
import type { Advice, Beginning, OwnData, RunInfo, Saved, Snapshot, Stopped } from "../shared/protocol.ts";
import {
  fields,
  type Key,
  parseHash,
  printHash,
  readState,
  runKey,
  type StudioState,
  startState,
} from "../shared/state.ts";
import { Client } from "./client.ts";
import type { Handed } from "./handed.ts";
import { forget, keep, recall } from "./keep.ts";
import { presetFor } from "./presets.ts";

const query = new URLSearchParams(location.search);
/** Tests fix what would differ from run to run, and read the page's memory. */
export const testing = query.get("test") === "1";
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

export const state = signal<StudioState>(startState);
export const run = signal<RunInfo | undefined>(undefined);
export const playing = signal(false);
export const stopped = signal<Stopped | undefined>(undefined);
/** What the doctor says of the run that goes on. */
export const advice = signal<readonly Advice[]>([]);
export const failure = signal("");
export const progress = signal("");
export const own = signal<OwnData | undefined>(undefined);
/** The run that the visitor came with, from the command line. */
let beginning: Beginning | undefined;
/** What the polite live region says, at most every two seconds. */
export const spoken = signal("");
/** The step that is shown; changes with every picture, so only what is drawn once in a while may read it. */
export const shownStep = signal(0);
/** Counts the pictures: it also changes when a different network is at the same step. */
export const shown = signal(0);
export const surface = computed(() => state.value.surface);

/** The latest picture, for canvases: too frequent for the DOM. */
export const hot: { snapshot: Snapshot | undefined; history: Snapshot["history"][number][]; stale: boolean } = {
  snapshot: undefined,
  history: [],
  /** Whether the picture is still of the run before. */
  stale: true,
};
/** Whether the worker has begun the run that was asked for last. */
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
      begun = true;
      run.value = message.run;
      failure.value = "";
      progress.value = "";
      if (message.run.loss !== state.value.loss) state.value = { ...state.value, loss: message.run.loss };
      return;
    case "snapshot":
      take(message.snapshot);
      return;
    case "stopped":
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
/** Whether a picture of a network that has learned something was shown. */
let learned = false;

function take(snapshot: Snapshot): void {
  progress.value = "";
  if (snapshot.reset) hot.history.splice(0);
  const from = snapshot.history[0]?.step ?? Number.POSITIVE_INFINITY;
  while ((hot.history.at(-1)?.step ?? -1) >= from) hot.history.pop();
  hot.history.push(...snapshot.history);
  if (hot.history.length > 4000)
    hot.history.splice(0, 4000, ...hot.history.slice(0, 4000).filter((_, k) => k % 2 === 0));
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
    spoken.value = `Epoch ${Math.floor(snapshot.epoch)}, training loss ${snapshot.now.train.loss.toPrecision(3)}`;
  }
  if (!playing.value) rememberStep();
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

/** Starts the run that the state describes. */
function begin(goTo = 0, saved?: Saved): void {
  stopped.value = undefined;
  failure.value = "";
  begun = false;
  hot.stale = true;
  client.send({
    kind: "run",
    state: state.value,
    own: state.value.data === "own" ? own.value : undefined,
    saved,
    beginning: beginning?.runKey === runKey(state.value) ? beginning : undefined,
    playing: playing.value,
    goTo,
  });
}

/** Changes the state. What decides the run's numbers starts it again, from its initial weights. */
export function change(patch: Partial<StudioState>): void {
  const next = { ...state.value, ...patch };
  const anew = runKey(next) !== runKey(state.value);
  state.value = anew ? { ...next, step: 0 } : next;
  if (anew) begin();
  else client.send({ kind: "view", state: state.value });
  showInAddress();
  keepSoon();
}

/** Sets weights at the present step without starting again: an edit that the state remembers. */
export function editWeight(parameter: string, index: number, value: number): void {
  const step = hot.snapshot?.step ?? 0;
  const edits = state.value.edits.filter(
    (edit) => edit.step < step || (edit.step === step && (edit.parameter !== parameter || edit.index !== index)),
  );
  state.value = { ...state.value, edits: [...edits, { step, parameter, index, value }], step };
  begin(step);
  showInAddress();
}

/** Chooses data, and with it what suits it. */
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
export const newSeed = (): void => change({ seed: (state.value.seed * 7 + 1) % 1000, edits: [] });

/** Takes the remedy that a stop offers. */
export function takeFix({ patch, goTo: step }: Pick<Stopped, "patch" | "goTo">): void {
  if (patch !== undefined) {
    playing.value = true;
    change(patch);
  } else if (step !== undefined) goTo(step);
}

function rememberStep(): void {
  const step = hot.snapshot?.step ?? 0;
  if (state.value.step !== step) {
    state.value = { ...state.value, step };
    showInAddress();
  }
  keepSoon();
}

let addressTimer = 0;
function showInAddress(): void {
  clearTimeout(addressTimer);
  addressTimer = window.setTimeout(() => {
    const hash = printHash(state.value);
    history.replaceState(null, "", `${location.pathname}${location.search}${hash === "" ? "" : `#${hash}`}`);
  }, 120);
}

/** The address that opens this experiment at this step. */
export function linkHere(): string {
  const hash = printHash({ ...state.value, step: hot.snapshot?.step ?? 0 });
  return `${location.origin}${location.pathname}${hash === "" ? "" : `#${hash}`}`;
}

let keepTimer = 0;
function keepSoon(): void {
  clearTimeout(keepTimer);
  keepTimer = window.setTimeout(() => void keepNow(), 800);
}

export async function keepNow(): Promise<void> {
  if (run.value === undefined) return;
  const saved = await client.ask("save", null).catch(() => undefined);
  await keep({ state: state.value, saved, own: own.value, beginning, playing: playing.value }).catch(() => undefined);
}

/** Everything of the visitor's goes: state, run, data. */
export async function forgetAll(): Promise<void> {
  await forget();
  own.value = undefined;
  beginning = undefined;
  state.value = startState;
  playing.value = false;
  begin();
  showInAddress();
}

export function useOwn(data: OwnData, patch: Partial<StudioState>): void {
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

/** Puts the weights of a file into the present network, which begins anew with them. */
export async function openWeights(name: string, bytes: Uint8Array): Promise<void> {
  const placeOf = ({ name: path }: { readonly name: string }): number =>
    2 * Number.parseInt(path, 10) + (path.endsWith("weight") ? 0 : 1);
  const weights = [...(await client.ask("tensors", bytes))].sort((a, b) => placeOf(a) - placeOf(b));
  state.value = { ...state.value, edits: [], step: 0 };
  beginning = {
    ...{ runKey: runKey(state.value), name, step: 0, weights, history: [] },
    notes: [`The network begins with the weights of ${name}.`],
  };
  playing.value = false;
  begin();
  showInAddress();
  keepSoon();
}

/** Sets a field from a control's text; a text that is not a value changes nothing. */
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
  const kept = testing && query.get("keep") !== "1" ? undefined : await recall().catch(() => undefined);
  const handed = await handedOver().catch((error: unknown) => {
    failure.value = error instanceof Error ? error.message : String(error);
    return undefined;
  });
  own.value = kept?.own;
  beginning = kept?.beginning;
  const wanted = hash.length > 1 ? parseHash(hash) : kept === undefined ? startState : readState(kept.state);
  state.value = wanted;
  // An earlier version kept a run in another form.
  const same = kept?.saved?.from !== undefined && kept.saved.runKey === runKey(wanted);
  if (handed !== undefined && !(same && reloaded())) {
    own.value = handed.own;
    state.value = { ...wanted, ...handed.patch };
    beginning = handed.beginning && { ...handed.beginning, runKey: runKey(state.value) };
    playing.value = beginning === undefined && !calm;
    begin();
  } else if (same && kept?.saved !== undefined && (reloaded() || hash.length < 2 || kept.saved.step === wanted.step)) {
    playing.value = kept.playing && !calm;
    begin(0, kept.saved);
  } else {
    playing.value = wanted.step === 0 && !calm && query.get("play") !== "0";
    begin(calm && wanted.step === 0 ? finishedStill : wanted.step);
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void keepNow();
  });
  setInterval(() => {
    if (playing.value) void keepNow();
  }, 5000);
  addEventListener("hashchange", () => {
    const next = parseHash(location.hash);
    if (printHash(next) === printHash(state.value)) return;
    state.value = next;
    playing.value = false;
    begin(next.step);
  });
}

/** Where a page that may not move starts: a network that has learned. */
const finishedStill = 1500;

/** What the command line serves beside the page: a table, or a run. */
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

/** The losses that fit the present task. */
export const fittingLosses = computed(() => lossesOf[run.value?.data.task ?? "binary"]);
