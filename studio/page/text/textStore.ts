// The store of the Text surface: its worker, its run, the latest picture, and what changes them.

import { computed, signal } from "@preact/signals";
import { decodeText } from "../../../src/data/encoding.ts";
import type { HistoryPoint } from "../../shared/protocol.ts";
import { isTask, presetOf, type SourceName, type TextState, textKey, textSpeeds } from "../../shared/text.ts";
import type {
  AttentionAsk,
  AttentionStep,
  FromTextWorker,
  LanePicture,
  Look,
  Projection,
  Samples,
  TextInfo,
  TextPicture,
  TextStop,
  ToTextWorker,
} from "../../shared/textPicture.ts";
import { addPoint } from "../../shared/thin.ts";
import * as say from "../../texts/en/text.ts";
import { counted, grouped, percent, short } from "../numbers.ts";
import { calm, change, failure, ownText, progress, repaint, said, spoken, state } from "../store.ts";
import type { Transport } from "../transport.ts";
import { type Entry, entryFor } from "../visits.ts";

export const text = computed(() => state.value.text);
export const info = signal<TextInfo | undefined>(undefined);
export const playing = signal(false);
export const samples = signal<Samples | undefined>(undefined);
/** The current position in the text; limited to the last one. */
export const place = signal(Number.POSITIVE_INFINITY);
/** The last head shown step by step, if any. */
export const laidOpen = signal<AttentionStep | undefined>(undefined);
/** Whether it continues the text by itself. */
export const writing = signal(false);
/** Changes with pictures, a few times a second: for everything except canvases. */
export const slow = signal(0);

/** The latest picture, for canvases: too frequent for the DOM. */
export const hot: {
  picture: TextPicture | undefined;
  histories: HistoryPoint[][];
  projection: Projection | undefined;
} = { picture: undefined, histories: [], projection: undefined };

/** Milliseconds between two changes outside canvases. */
const slowEvery = 250;
let lastSlow = 0;
let lastSpoken = 0;
let worker: Worker | undefined;
/** The last requested run. */
let asked = "";
/** Counts the runs requested from the worker. */
let sent = 0;
/** Whether the worker has begun the last of them: earlier messages belong to an older one. */
let begun = false;

function engine(): Worker {
  if (worker !== undefined) return worker;
  worker = new Worker(new URL("worker.js#text", new URL(".", import.meta.url)), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FromTextWorker>) => receive(data);
  worker.onerror = (event) => {
    failure.value = say.theEngineOfTextsStopped(event.message || say.itCouldNotBeLoaded);
  };
  return worker;
}

const send = (message: ToTextWorker): void => engine().postMessage(message);

function receive(message: FromTextWorker): void {
  switch (message.kind) {
    case "ready":
      begun = message.number === sent;
      info.value = message.info;
      failure.value = "";
      progress.value = "";
      return;
    case "picture":
      return take(message.picture);
    case "attention":
      laidOpen.value = message.found;
      return;
    case "stopped":
      return begun ? ended(message.stop) : undefined;
    case "advised":
      return begun ? tell(message.advice) : undefined;
    case "failed":
      playing.value = false;
      progress.value = "";
      failure.value = message.text;
      return;
    case "progress":
      progress.value = message.text;
      return;
  }
}

function take(picture: TextPicture): void {
  progress.value = "";
  if (picture.reset) hot.histories = [];
  picture.lanes.forEach(({ history }: LanePicture, lane) => {
    hot.histories[lane] ??= [];
    const points = hot.histories[lane];
    for (const point of history) addPoint(points, point);
  });
  hot.picture = picture;
  hot.projection = picture.projection ?? (picture.reset ? undefined : hot.projection);
  if (picture.samples !== undefined) samples.value = picture.samples;
  const now = performance.now();
  if (!playing.value || now - lastSlow > slowEvery) {
    lastSlow = now;
    slow.value++;
  }
  if (playing.value && now - lastSpoken > 4000) {
    lastSpoken = now;
    const { train } = picture.lanes[0]?.now ?? {};
    if (train !== undefined) spoken.value = say.stepTrainingLoss(picture.step, train.loss.toPrecision(3));
  }
  if (begun && !playing.value) rememberStep();
  repaint();
  requestAnimationFrame(() => send({ kind: "drawn" }));
}

function ended(stop: TextStop): void {
  playing.value = false;
  rememberStep();
  tell(stop);
}

/** Shows it over the foot of the page, with the effect of a click. */
function tell({ reason, text: why, fix, patch, goTo: step }: TextStop): void {
  spoken.value = why;
  said.value = {
    text: why,
    bad: reason === "nan",
    fix,
    act: () => {
      said.value = undefined;
      if (step !== undefined) goTo(step);
      if (patch === undefined) return;
      playing.value = true;
      alter(patch);
    },
  };
}

function rememberStep(): void {
  const step = hot.picture?.step ?? 0;
  if (text.value.step !== step) change({ text: { ...text.value, step } }, "same");
}

/** The text of a source; undefined for a task. */
async function corpusOf(source: SourceName): Promise<string> {
  switch (source) {
    case "names":
      return (await import("../../shared/corpora/names.ts")).text;
    case "shakespeare":
      return (await import("../../shared/corpora/shakespeare.ts")).text;
    case "own":
      return ownText.value?.text ?? "";
    default:
      return "";
  }
}

/** The key of a run, by its state and the visitor's own text. */
const keyOf = (wanted: TextState): string =>
  `${textKey(wanted)} ${wanted.source === "own" ? `${ownText.value?.name} ${ownText.value?.text.length}` : ""}`;

async function begin(goTo: number): Promise<void> {
  const wanted = text.value;
  asked = keyOf(wanted);
  begun = false;
  said.value = undefined;
  failure.value = "";
  samples.value = undefined;
  writing.value = false;
  if (wanted.source === "own" && ownText.value === undefined) {
    playing.value = false;
    info.value = undefined;
    hot.picture = undefined;
    send({ kind: "play", playing: false });
    return;
  }
  const corpus = await corpusOf(wanted.source);
  if (asked === keyOf(text.value))
    send({ kind: "run", number: ++sent, state: text.value, corpus, playing: playing.value, goTo });
}

/** Updates the surface after any change of its state. */
export function follow(): void {
  if (asked === keyOf(text.value)) send({ kind: "view", state: text.value });
  else void begin(text.value.step);
}

/** The number of steps of a page without motion, which shows a trained model. */
const finishedStill = 120;

/** Opens the surface: it plays by itself at its first visit, unless a link gives a step. */
export function open(autoplay: boolean): void {
  if (asked === keyOf(text.value)) return follow();
  playing.value = text.value.step === 0 && autoplay && !calm;
  void begin(calm && text.value.step === 0 ? finishedStill : text.value.step);
}

/** Changes the state. Fields that affect the run's numbers restart it from its initial weights. */
export function alter(patch: Partial<TextState>, entry: Entry = entryFor(patch)): void {
  const next = { ...text.value, ...patch };
  change({ text: textKey(next) === textKey(text.value) ? next : { ...next, step: 0 } }, entry);
}

/** Chooses a task or a text together with suitable settings. Training starts at once, because earlier training does not apply to it. */
export function chooseSource(source: SourceName): void {
  playing.value = !calm;
  place.value = Number.POSITIVE_INFINITY;
  alter(presetOf(source));
}

export function useText(name: string, own: string): void {
  ownText.value = { name, text: own };
  playing.value = !calm;
  if (text.value.source === "own") void begin(0);
  else alter({ source: "own", prompt: "" });
}

/** The largest file that is read. */
const mostBytes = 50_000_000;

export async function readTextFile(file: File): Promise<void> {
  try {
    if (file.size > mostBytes) throw new Error(say.hasMBThisPageTakesTexts(file.name, grouped(file.size / 1e6)));
    useText(file.name, decodeText(new Uint8Array(await file.arrayBuffer()), file.name));
  } catch (error) {
    failure.value = error instanceof Error ? error.message : String(error);
  }
}

/** Requests a head of the current model. */
export const layOpen = (ask: AttentionAsk): void => send({ kind: "attention", ask });

export function play(on: boolean): void {
  if (on === playing.value || info.value === undefined) return;
  said.value = undefined;
  playing.value = on;
  send({ kind: "play", playing: on });
}

function rest(): void {
  playing.value = false;
  said.value = undefined;
}

function goTo(step: number): void {
  rest();
  send({ kind: "goTo", step });
}

const speedTitle = (speed: number): string => (speed === 0 ? say.fullSpeed : say.stepsS(speed));

export const textTransport: Transport = {
  playing,
  play,
  advance: (steps) => {
    rest();
    send({ kind: "advance", steps });
  },
  back: () => goTo(Math.max(0, (hot.picture?.step ?? 0) - 1)),
  rewind: () => {
    const wasPlaying = playing.value;
    goTo(0);
    if (wasPlaying) play(true);
  },
  newSeed: () => alter({ seed: (text.value.seed * 7 + 1) % 1000 }),
  speeds: textSpeeds.map((speed) => [speed, speedTitle(speed)]),
  speed: () => text.value.speed,
  setSpeed: (speed) => alter({ speed }),
  gauges: () => {
    const { picture } = hot;
    const { train, test } = picture?.lanes[0]?.now ?? {};
    return [
      [say.epoch, counted(Math.floor(picture?.epoch ?? 0))],
      [say.step, counted(picture?.step ?? 0)],
      [say.trainLoss, train === undefined ? "–" : short(train.loss)],
      [say.testLoss, test === undefined ? "–" : short(test.loss)],
      [isTask(text.value.source) ? say.testExact : say.testAccuracy, test === undefined ? "–" : percent(test.metric)],
    ];
  },
  backend: () => info.value && { name: info.value.backend, why: info.value.backendWhy },
  takes: (given) => {
    if (typeof given === "string") {
      if (given.trim().length < 20) return false;
      useText(say.pastedText, given);
      return true;
    }
    if (!/\.(txt|text|md)$/i.test(given.file.name) && given.file.type !== "text/plain") return false;
    void readTextFile(given.file);
    return true;
  },
  here: () => ({ text: { ...text.value, step: hot.picture?.step ?? 0 } }),
};

/** A token as displayed: invisible characters have a sign. */
export function shownToken(token: number): string {
  const name = info.value?.tokens[token] ?? "";
  return name.replaceAll("\n", "⏎").replaceAll(" ", "␣").replaceAll("\t", "⇥") || "∅";
}

/** The text of some tokens. */
export const textOf = (tokens: ArrayLike<number>): string =>
  Array.from(tokens, (token) => info.value?.tokens[token] ?? "").join("");

/** The current position. */
export const placeIn = (look: Look): number => Math.max(0, Math.min(place.value, look.tokens.length - 1));

/** The layer and the head of the large map. */
export function headIn(look: Look): { readonly layer: number; readonly head: number } {
  const [layer = 0, head = 0] = text.value.head.split(".").map(Number);
  return { layer: Math.min(layer, Math.max(0, look.layers - 1)), head: Math.min(head, Math.max(0, look.heads - 1)) };
}

/** Appends a token to the text. */
export function append(token: number): void {
  const look = hot.picture?.look;
  if (look === undefined) return;
  const at = placeIn(look);
  place.value = Number.POSITIVE_INFINITY;
  alter({ prompt: textOf([...look.tokens.slice(0, at + 1), token]).slice(-300) }, "same");
}
