// The Results surface's requests to the worker: the answers of the current network, importance, dependence.
import { computed, signal } from "@preact/signals";
import type { RunInfo } from "../../shared/protocol.ts";
import type { DependenceCurve, Importances, Results } from "../../shared/results.ts";
import { client, failure, run } from "../store.ts";

/** An answer, and the run that it belongs to. */
interface Told<T> {
  readonly of: RunInfo;
  readonly found: T;
}

/** The answer for the current run; undefined if it belongs to another. */
const present = <T>(told: { readonly value: Told<T> | undefined }) =>
  computed(() => (told.value?.of === run.value ? told.value?.found : undefined));

const toldAnswers = signal<Told<Results> | undefined>(undefined);
const toldImportances = signal<Told<Importances> | undefined>(undefined);
const toldCurve = signal<Told<DependenceCurve> | undefined>(undefined);
export const answers = present(toldAnswers);
export const importances = present(toldImportances);
export const curve = present(toldCurve);
export const problem = signal("");
/** The column whose dependence is shown, by its index. */
export const column = signal(0);

const repeats = 5;
/** Milliseconds between two measurements while the network trains. */
const every = 1200;
let last = 0;
let under = false;
let again = false;

const said = (error: unknown): void => {
  problem.value = failure.value || (error instanceof Error ? error.message : String(error));
};

/** Measures the current network; during training at intervals. */
export function measure(training: boolean): void {
  const of = run.value;
  if (of === undefined || (training && answers.value !== undefined && performance.now() - last < every)) return;
  if (under) {
    again = true;
    return;
  }
  last = performance.now();
  under = true;
  client
    .ask("results", null)
    .then((found) => {
      toldAnswers.value = { of, found };
      problem.value = "";
    }, said)
    .finally(() => {
      under = false;
      if (!again) return;
      again = false;
      measure(false);
    });
}

/** Importance of all columns, and the dependence on the chosen one. */
export async function measureColumns(): Promise<void> {
  const of = run.value;
  if (of === undefined) return;
  try {
    toldImportances.value = { of, found: await client.ask("importance", { repeats }) };
    await measureCurve();
  } catch (error) {
    said(error);
  }
}

export async function measureCurve(): Promise<void> {
  const [of, wanted] = [run.value, column.value];
  if (of === undefined) return;
  try {
    const found = await client.ask("dependence", { column: wanted });
    // Of several requests the last counts.
    if (wanted === column.value) toldCurve.value = { of, found };
  } catch (error) {
    said(error);
  }
}
