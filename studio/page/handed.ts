// A run that the command line serves with the page: its data, its weights and its curves.

import type { Figures } from "../shared/figures.ts";
import type { Beginning, HistoryPoint, OwnData } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";
import * as say from "../texts/en/frame.ts";
import type { Client } from "./client.ts";

export interface Handed {
  readonly own: OwnData;
  readonly patch: Partial<StudioState>;
  /** Its runKey is set later. */
  readonly beginning: Beginning | undefined;
}

/** run.json as src/cli/studioRun.ts writes it; unknown numbers are null. */
interface Told {
  readonly name: string;
  readonly data: "table" | "images";
  readonly source: string;
  readonly classes: readonly string[] | null;
  /** For a table, the run's preprocessing. */
  readonly preprocessing: unknown;
  readonly step: number;
  readonly history: readonly {
    readonly step: number;
    readonly train: Nullable<Figures>;
    readonly test: Nullable<Figures> | null;
  }[];
  readonly notes: readonly string[];
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

async function bytesOf(name: string): Promise<Uint8Array> {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(say.wasNotFoundBesideThePage(name));
  return new Uint8Array(await answer.arrayBuffer());
}

const figuresOf = ({ loss, metric }: Nullable<Figures>): Figures => ({
  loss: loss ?? Number.NaN,
  metric: metric ?? Number.NaN,
});

/** Undefined if the page is no longer served with a run: a reload continues with what is stored. */
export async function handedRun(client: Client): Promise<Handed | undefined> {
  const answer = await fetch("run.json");
  if (!answer.ok) return undefined;
  const told = (await answer.json()) as Told;
  const { name, source, classes, step, notes } = told;
  const own: OwnData =
    told.data === "table"
      ? {
          kind: "table",
          name: source,
          text: new TextDecoder().decode(await bytesOf("table.csv")),
          preprocessing: told.preprocessing,
        }
      : {
          kind: "images",
          name: source,
          images: await bytesOf("images.idx"),
          labels: await bytesOf("labels.idx"),
          ...(classes === null ? {} : { classes }),
        };
  const weights = [...(await client.ask("tensors", await bytesOf("weights.safetensors")))].sort((a, b) =>
    // 000.weight, 000.bias, 001.weight, …: the weight of each layer first.
    a.name.slice(0, 3) === b.name.slice(0, 3) ? (a.name < b.name ? 1 : -1) : a.name < b.name ? -1 : 1,
  );
  const history = told.history.map(
    (point): HistoryPoint => ({
      step: point.step,
      train: figuresOf(point.train),
      test: point.test === null ? undefined : figuresOf(point.test),
    }),
  );
  return { own, patch: {}, beginning: { runKey: "", name, step, weights, history, notes } };
}
