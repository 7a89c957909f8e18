// The worker: trains with the library, answers questions, and sends a picture whenever the page has drawn the last one.

import { backendInfo, HebbError, memoryInfo, useBackend } from "../../src/index.ts";
import type {
  Beginning,
  FromWorker,
  OwnData,
  QuestionKind,
  Questions,
  Saved,
  Stopped,
  ToWorker,
} from "../shared/protocol.ts";
import { runKey, type StudioState, startState } from "../shared/state.ts";
import * as say from "../texts/en/engine.ts";
import { withCure } from "./cure.ts";
import { examine, preview } from "./data.ts";
import { filmOf, rateSearch } from "./film.ts";
import { Lanes } from "./lanes.ts";
import { plotActivation, plotLosses, rosenblatt } from "./lessons.ts";
import { lookAt } from "./pictureLook.ts";
import { readPictures } from "./pictures.ts";
import { predict } from "./predict.ts";
import { dependence, importance, results } from "./results.ts";
import { Session } from "./session.ts";
import { exportRun, tensorsOf } from "./ship.ts";
import { stepThrough } from "./stepThrough.ts";
import { serveText } from "./text/textWorker.ts";
import { turn } from "./turn.ts";
import { View } from "./view.ts";

/** Milliseconds of training between two checks of the clock, and the least between two pictures. */
const slice = 12;
const fastest = 30;
/** More expensive pictures come less often, so that nearly all the time is spent on training. */
const costShare = 32;
const slowest = 500;
let pictureEvery = fastest;
/** The first picture of a run includes compilation, so its cost does not predict the next. */
let compiled = false;
/** A longer run is taken in parts of this many steps, so that messages get through. */
const mostSteps = 20000;

let state: StudioState | undefined;
let own: OwnData | undefined;
/** The weights that the current run began with, if they were not random. */
let beginning: Beginning | undefined;
let session: Session | undefined;
let view: View | undefined;
let lanes: Lanes | undefined;
let early: Promise<Session> | undefined;
let playing = false;
let drawn = true;
let wanted = false;
let lastPicture = 0;
let due = 0;
let lastTick = 0;
let rate = { steps: 0, since: 0, value: 0 };
/** Reasons to stop that were already reported. */
const overruled = new Set<Stopped["reason"]>();
/** Counts runs: work for an older one is abandoned. */
let generation = 0;

const send = (message: FromWorker): void => postMessage(message);

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

function picture(): void {
  if (session === undefined || view === undefined || state === undefined) return;
  if (!drawn) {
    wanted = true;
    return;
  }
  drawn = false;
  wanted = false;
  lastPicture = performance.now();
  const snapshot = view.snapshot(state, rate.value);
  pictureEvery = compiled ? Math.min(slowest, Math.max(fastest, costShare * (performance.now() - lastPicture))) : 0;
  compiled = true;
  // The maps are transferred, not copied, because they are the largest part.
  const { stages, output } = snapshot.maps;
  const message: FromWorker = { kind: "snapshot", snapshot };
  postMessage(message, [...new Set([...stages, output].map(({ buffer }) => buffer))] as ArrayBuffer[]);
}

function failed(error: unknown): void {
  playing = false;
  send({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
  if (!(error instanceof HebbError)) console.error(error);
}

/** Takes the steps due at the chosen speed, up to a reason to stop. Returns whether training continues. */
function train(running: Session, { speed }: StudioState): boolean {
  const now = performance.now();
  const elapsed = Math.min(200, now - lastTick);
  lastTick = now;
  let healthy = true;
  const before = running.step;
  if (speed === 0) {
    const end = now + slice;
    let chunk = 8;
    while (healthy && performance.now() < end) {
      healthy = running.play(chunk, overruled);
      chunk = Math.min(256, 2 * chunk);
    }
  } else {
    due = Math.min(due + (elapsed / 1000) * speed * running.batches, 4000);
    const end = now + 60;
    while (healthy && due >= 1 && performance.now() < end) {
      const some = Math.min(Math.floor(due), 64);
      healthy = running.play(some, overruled);
      due -= some;
    }
  }
  rate.steps += running.step - before;
  if (now - rate.since > 1000) rate = { steps: 0, since: now, value: (1000 * rate.steps) / (now - rate.since) };
  if (!healthy) running.record();
  return healthy;
}

/** Reports the reason to stop at the current step, if any. */
function stopFor(running: Session, stopped = running.verdict()): boolean {
  if (stopped === undefined) return false;
  playing = false;
  // Continuing after a stop overrules its reason for this run; NaN cannot be overruled.
  if (stopped.reason !== "nan") overruled.add(stopped.reason);
  send({ kind: "stopped", stopped: stopped.reason === "nan" ? withCure(running, stopped) : stopped });
  return true;
}

async function loop(own: number): Promise<void> {
  lastTick = performance.now();
  rate = { steps: 0, since: lastTick, value: rate.value };
  while (playing && own === generation && session !== undefined && state !== undefined) {
    const healthy = train(session, state);
    if (!healthy || (performance.now() - lastPicture >= pictureEvery && drawn)) {
      // Drawing may repeat the latest step, which withdraws the verdict at that step.
      const stopped = healthy ? undefined : session.verdict();
      if (!healthy) drawn = true;
      picture();
      if (!healthy && stopFor(session, stopped)) return;
    }
    await (state.speed === 0 ? turn() : sleep(4));
  }
}

function play(on: boolean): void {
  if (on === playing) return;
  playing = on;
  if (on) loop(generation).catch(failed);
  else {
    drawn = true;
    picture();
  }
}

async function goTo(running: Session, wantedStep: number, mine: number): Promise<boolean> {
  const target = Math.max(running.firstStep, wantedStep);
  while (running.step !== target && mine === generation) {
    if (!running.goTo(target < running.step ? target : Math.min(target, running.step + mostSteps))) break;
    if (running.step !== target) {
      send({
        kind: "progress",
        text: say.repeatingTheFirstSteps(target, Math.round((100 * running.step) / target)),
      });
      await turn();
    }
  }
  return mine === generation;
}

/** Restores a stored run. Returns false if it belongs to another state, or was stored in another form by an earlier version, and must be repeated. */
function restored(opened: Session, saved: Saved | undefined): boolean {
  if (saved === undefined || saved.runKey !== runKey(opened.state)) return false;
  try {
    opened.restore(saved);
    return true;
  } catch (error) {
    if (!(error instanceof HebbError) || saved.from.kind === "project") throw error;
    return false;
  }
}

async function begin(message: Extract<ToWorker, { kind: "run" }>): Promise<void> {
  const mine = ++generation;
  playing = false;
  own = message.own ?? own;
  const ready = early;
  early = undefined;
  const opened =
    ready !== undefined && runKey(message.state) === runKey(startState)
      ? await ready
      : await Session.open(message.state, message.state.data === "own" ? own : undefined, message.beginning);
  if (mine !== generation) return;
  const { saved } = message;
  const goal = restored(opened, saved) ? 0 : (saved?.step ?? message.goTo);
  if (goal > 0 && !(await goTo(opened, goal, mine))) return;
  state = { ...message.state, loss: opened.state.loss };
  session = opened;
  beginning = message.beginning;
  view = new View(opened);
  compiled = false;
  overruled.clear();
  due = 0;
  const { backend, description } = backendInfo();
  send({ kind: "ready", number: message.number, run: { ...opened.info, backend, backendWhy: description } });
  drawn = true;
  picture();
  if (!stopFor(opened)) play(message.playing);
}

/** The worker's own heap, in browsers that report it. */
function heapBytes(): number {
  const told: unknown = Reflect.get(performance, "memory");
  const used: unknown = typeof told === "object" && told !== null ? Reflect.get(told, "usedJSHeapSize") : undefined;
  return typeof used === "number" ? used : 0;
}

function present(): Session {
  if (session === undefined) throw new HebbError(say.thereIsNoNetworkYet);
  return session;
}

function presentLanes(): Lanes {
  if (lanes === undefined) throw new HebbError(say.thereAreNoLanesYet);
  return lanes;
}

type Answers = {
  readonly [K in QuestionKind]: (ask: Questions[K]["ask"]) => Questions[K]["answer"] | Promise<Questions[K]["answer"]>;
};

const answers: Answers = {
  preview,
  examine,
  memory: () => ({ bytes: memoryInfo().reservedBytes + heapBytes() }),
  save: () => session?.save(),
  predict: (ask) => predict(present(), ask),
  export: (format) => exportRun(present(), format, state?.data === "own" ? own : undefined),
  pictures: readPictures,
  tensors: (bytes) => tensorsOf(bytes),
  rosenblatt: () => rosenblatt(present()),
  activation: plotActivation,
  losses: plotLosses,
  step: (ask) => stepThrough(present(), ask),
  lanes: async (ask) => {
    lanes = await Lanes.open(ask, ask.state.data === "own" ? own : undefined);
    return lanes.numbers();
  },
  moveLanes: (ask) => presentLanes().move(ask),
  seedRun: (ask) => presentLanes().seedRun(ask),
  landscape: () => presentLanes().landscape(),
  look: (ask) => lookAt(present(), ask),
  film: () => filmOf(present(), beginning),
  rateSearch: () => rateSearch(present()),
  results: () => results(present()),
  importance: (ask) => importance(present(), ask),
  dependence: (ask) => dependence(present(), ask),
};

async function answer<K extends QuestionKind>(id: number, question: K, ask: Questions[K]["ask"]): Promise<void> {
  try {
    send({ kind: "answer", id, answer: await answers[question](ask) });
  } catch (error) {
    send({ kind: "refused", id, text: error instanceof Error ? error.message : String(error) });
    if (!(error instanceof HebbError)) console.error(error);
  }
}

async function receive(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "run":
      return begin(message);
    case "view":
      state = message.state;
      if (!playing) {
        drawn = true;
        picture();
      }
      return;
    case "play":
      return play(message.playing);
    case "advance":
      playing = false;
      if (session === undefined) return;
      session.advance(message.steps);
      session.record();
      drawn = true;
      picture();
      stopFor(session);
      return;
    case "goTo":
      playing = false;
      if (session !== undefined && (await goTo(session, message.step, generation))) {
        drawn = true;
        picture();
        stopFor(session);
      }
      return;
    case "drawn":
      drawn = true;
      if (wanted && !playing) picture();
      return;
    case "question":
      return answer(message.id, message.question, message.ask);
  }
}

function serveLab(): void {
  // For networks of this size one thread is faster than several that synchronise at every kernel.
  useBackend({ backend: "wasm", threads: 1 });
  // Prepares a first visitor's run while the page is still being built.
  if (location.hash === "#first") early = Session.open(startState, undefined);
  addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
    receive(data).catch(failed);
  });
}

// The Text surface has a separate worker from the same file, which the browser has already loaded.
if (location.hash === "#text") serveText();
else serveLab();
