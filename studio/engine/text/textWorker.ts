// The worker of the Text surface: trains for a slice of time, then checks whether the page needs a picture or has sent a message.

import { backendInfo, HebbError, useBackend } from "../../../src/index.ts";
import type { TextState } from "../../shared/text.ts";
import type {
  FromTextWorker,
  LanePicture,
  Samples,
  TextPicture,
  TextStop,
  ToTextWorker,
} from "../../shared/textPicture.ts";
import * as say from "../../texts/en/engine.ts";
import { turn } from "../turn.ts";
import { TextSession } from "./textSession.ts";

/** Milliseconds of training between two checks of the clock. */
const slice = 12;
/** Milliseconds between two pictures; expensive ones are less frequent. */
const pictures = { fastest: 50, slowest: 1000, costShare: 12 } as const;
/** The share of the training time spent on samples. */
const sampleShare = 0.1;
/** Milliseconds between two samples, and between two projections. */
const rests = { samples: 1500, projection: 700 } as const;
const never = Number.NEGATIVE_INFINITY;
/** A long way is split into parts of this many steps, so that messages get through. */
const partOfWay = 200;

let state: TextState | undefined;
let session: TextSession | undefined;
let playing = false;
let drawn = true;
let wanted = false;
let generation = 0;
let sent: number[] = [];
let reset = true;
let every: number = pictures.fastest;
/** When each was last sent, by this worker's clock. Initially never, so that a young worker sends them at once. */
let last = { picture: never, samples: never, projection: never };
let writing: Generator<undefined, Samples> | undefined;
let samples: Samples | undefined;
/** Counts the sampling runs while training rests. */
let sampling = 0;
let rate = { steps: 0, since: 0, value: 0 };
let due = 0;
let lastTick = 0;
/** Reasons to stop that were already reported. */
const overruled = new Set<TextStop["reason"]>();

const send = (message: FromTextWorker): void => postMessage(message);

function failed(error: unknown): void {
  playing = false;
  send({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
  if (!(error instanceof HebbError)) console.error(error);
}

/** Writes one token of the samples, so that they do not delay training. Returns whether there are new samples, or nothing to write. */
function write(running: TextSession, shown: TextState): boolean {
  if (writing === undefined) {
    if (performance.now() - last.samples < rests.samples) return true;
    writing = running.writing.write(running.step, shown);
  }
  const made = writing.next();
  if (made.done !== true) return false;
  samples = made.value;
  writing = undefined;
  last = { ...last, samples: performance.now() };
  return true;
}

function lanePicture(run: TextSession["runs"][number], place: number): LanePicture {
  const from = sent[place] ?? -1;
  const history = run.history.filter(({ step }) => step > from);
  sent[place] = run.history.at(-1)?.step ?? from;
  // During training the latest figures suffice; at rest they belong to this step.
  const now = (playing ? run.history.at(-1) : undefined) ?? run.now();
  return { now, history, stepTime: run.stepTime };
}

function picture(): void {
  if (session === undefined || state === undefined) return;
  if (!drawn) {
    wanted = true;
    return;
  }
  const begun = performance.now();
  drawn = false;
  wanted = false;
  const fresh = !playing || reset || begun - last.projection > rests.projection;
  const shown: TextPicture = {
    step: session.step,
    epoch: session.step / session.runs[0].stepsPerEpoch,
    reset,
    lanes: session.runs.map(lanePicture),
    look: session.look(state.prompt),
    samples,
    projection: fresh ? session.projection() : undefined,
    stepsPerSecond: rate.value,
  };
  samples = undefined;
  reset = false;
  send({ kind: "picture", picture: shown });
  const end = performance.now();
  last = { ...last, picture: end, projection: fresh ? end : last.projection };
  every = Math.min(pictures.slowest, Math.max(pictures.fastest, pictures.costShare * (end - begun)));
}

/** Takes the steps that fit into the time. */
function train(running: TextSession, speed: number): boolean {
  const now = performance.now();
  const elapsed = Math.min(500, now - lastTick);
  lastTick = now;
  const before = running.step;
  let healthy = true;
  if (speed === 0) while (healthy && performance.now() < now + slice) healthy = running.advance(1);
  else {
    due = Math.min(due + (elapsed / 1000) * speed, speed);
    for (; healthy && due >= 1 && performance.now() < now + 60; due--) healthy = running.advance(1);
  }
  rate.steps += running.step - before;
  if (now - rate.since > 1000) rate = { steps: 0, since: now, value: (1000 * rate.steps) / (now - rate.since) };
  return healthy;
}

function stopFor(running: TextSession): boolean {
  for (const advice of running.fresh()) send({ kind: "advised", advice });
  const stop = running.verdict(overruled);
  if (stop === undefined) return false;
  playing = false;
  // Continuing after a stop overrules its reason for this run; NaN cannot be overruled.
  if (stop.reason !== "nan") overruled.add(stop.reason);
  send({ kind: "stopped", stop });
  return true;
}

async function loop(mine: number): Promise<void> {
  lastTick = performance.now();
  rate = { steps: 0, since: lastTick, value: rate.value };
  while (playing && mine === generation && session !== undefined && state !== undefined) {
    const begun = performance.now();
    train(session, state.speed);
    if (stopFor(session)) return still();
    const end = performance.now();
    while (!write(session, state) && performance.now() < end + sampleShare * (end - begun));
    if (drawn && performance.now() - last.picture >= every) picture();
    await (state.speed === 0 ? turn() : new Promise((resolve) => setTimeout(resolve, 8)));
  }
}

/** Sends a picture of the current state at once, and another when its samples are written. */
function still(sampled = true): void {
  drawn = true;
  picture();
  if (sampled) sample(++sampling).catch(failed);
}

async function sample(mine: number): Promise<void> {
  writing = undefined;
  last = { ...last, samples: never };
  while (!playing && mine === sampling && session !== undefined && state !== undefined && !write(session, state))
    await turn();
  if (!playing && mine === sampling && samples !== undefined) picture();
}

function play(on: boolean): void {
  if (on === playing) return;
  playing = on;
  if (on) loop(generation).catch(failed);
  else still();
}

async function goTo(running: TextSession, target: number, mine: number): Promise<boolean> {
  if (target < running.step) {
    running.goTo(target);
    reset = true;
    sent = [];
  }
  while (running.step < target && mine === generation) {
    if (!running.advance(Math.min(partOfWay, target - running.step))) break;
    if (running.step < target)
      send({
        kind: "progress",
        text: say.repeatingTheFirstSteps(target, Math.round((100 * running.step) / target)),
      });
    await turn();
  }
  return mine === generation;
}

async function begin(message: Extract<ToTextWorker, { kind: "run" }>): Promise<void> {
  const mine = ++generation;
  playing = false;
  const opened = new TextSession(message.state, message.corpus);
  if (message.goTo > 0 && !(await goTo(opened, message.goTo, mine))) return;
  state = message.state;
  session = opened;
  [sent, reset, due, writing, samples] = [[], true, 0, undefined, undefined];
  last = { picture: never, samples: never, projection: never };
  overruled.clear();
  const { backend, description } = backendInfo();
  send({ kind: "ready", number: message.number, info: { ...opened.info, backend, backendWhy: description } });
  still();
  if (message.playing) play(true);
  else stopFor(opened);
}

async function receive(message: ToTextWorker): Promise<void> {
  switch (message.kind) {
    case "run":
      return begin(message);
    case "view": {
      const anew = state?.temperature !== message.state.temperature || state.topK !== message.state.topK;
      state = message.state;
      if (!playing) still(anew);
      return;
    }
    case "play":
      return play(message.playing);
    case "advance":
      playing = false;
      session?.advance(message.steps);
      still();
      if (session !== undefined) stopFor(session);
      return;
    case "goTo":
      playing = false;
      if (session !== undefined && (await goTo(session, message.step, generation))) still();
      return;
    case "attention": {
      const found = session?.attention(state?.prompt ?? "", message.ask);
      if (found !== undefined) send({ kind: "attention", found });
      return;
    }
    case "drawn":
      drawn = true;
      if (wanted && !playing) picture();
      return;
  }
}

export function serveText(): void {
  // As many threads as the page may use, because these models are large enough for several.
  useBackend({ backend: "wasm" });
  addEventListener("message", ({ data }: MessageEvent<ToTextWorker>) => {
    receive(data).catch(failed);
  });
}
