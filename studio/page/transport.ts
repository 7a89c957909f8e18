// What the bar, the keys and a link control: the Lab's run, or that of a surface with its own.

import { type ReadonlySignal, signal } from "@preact/signals";
import { speeds } from "../shared/names.ts";
import type { StudioState } from "../shared/state.ts";
import * as say from "../texts/en/frame.ts";
import type { Chosen } from "./files.ts";
import { counted, percent, short } from "./numbers.ts";
import { advance, change, goTo, hot, newSeed, play, playing, rewind, run, state } from "./store.ts";

export interface Transport {
  readonly playing: ReadonlySignal<boolean>;
  readonly play: (on: boolean) => void;
  readonly advance: (steps: number) => void;
  /** One step back. */
  readonly back: () => void;
  readonly rewind: () => void;
  readonly newSeed: () => void;
  readonly speeds: readonly (readonly [speed: number, title: string])[];
  readonly speed: () => number;
  readonly setSpeed: (speed: number) => void;
  /** Five, each with its name. */
  readonly gauges: () => readonly (readonly [name: string, figure: string])[];
  readonly backend: () => { readonly name: string; readonly why: string } | undefined;
  /** Accepts a file or pasted text for training without asking; returns whether it did. */
  readonly takes?: (given: Chosen | string) => boolean;
  /** The current state of the run, for a link. */
  readonly here: () => Partial<StudioState>;
}

const speedTitle = (speed: number): string =>
  speed === 0 ? say.fullSpeed : speed === 1 ? say.oneEpochASecond : say.epochsASecond(speed);

export const labTransport: Transport = {
  playing,
  play,
  advance,
  back: () => goTo(Math.max(0, (hot.snapshot?.step ?? 0) - 1)),
  rewind,
  newSeed,
  speeds: speeds.map((speed) => [speed, speedTitle(speed)]),
  speed: () => state.value.speed,
  setSpeed: (speed) => change({ speed }),
  gauges: () => {
    const { snapshot } = hot;
    const info = run.value;
    const number = info?.data.task === "number";
    const rows = info === undefined || info.data.testCount > 0 ? say.test : say.train;
    const { train, test } = snapshot?.now ?? {};
    const metric = (test ?? train)?.metric ?? Number.NaN;
    return [
      [say.epoch, counted(Math.floor(snapshot?.epoch ?? 0))],
      [say.step2, counted(snapshot?.step ?? 0)],
      [say.trainLoss, train === undefined ? "–" : short(train.loss)],
      [say.testLoss, test === undefined ? "–" : short(test.loss)],
      [
        say.metricOf(rows, number ? "R²" : say.accuracy),
        train === undefined ? "–" : number ? short(metric) : percent(metric),
      ],
    ];
  },
  backend: () => run.value && { name: run.value.backend, why: run.value.backendWhy },
  here: () => ({ step: hot.snapshot?.step ?? 0 }),
};

export const transport = signal<Transport>(labTransport);
