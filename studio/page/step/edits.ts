// The contents of Step: the step in detail from the engine, and the visitor's edits.

import { signal } from "@preact/signals";
import type { StepEdit, StepTrace } from "../../shared/steps.ts";
import * as say from "../../texts/en/step.ts";
import { client, spoken } from "../store.ts";

export const trace = signal<StepTrace | undefined>(undefined);
export const problem = signal("");
export const edits = signal<readonly StepEdit[]>([]);

/** Requests the step with the edits from the engine. */
export async function ask(): Promise<void> {
  try {
    trace.value = await client.ask("step", { edits: edits.value });
    problem.value = "";
  } catch (error) {
    trace.value = undefined;
    problem.value = error instanceof Error ? error.message : String(error);
  }
}

export function edit(node: string, index: number, text: string): void {
  const value = Number(text.replaceAll("−", "-"));
  if (text.trim() === "" || !Number.isFinite(value)) return;
  edits.value = [...edits.value.filter((one) => one.node !== node || one.index !== index), { node, index, value }];
  spoken.value = say.everythingThatFollowsFromThis;
  void ask();
}

export function undoEdits(): void {
  edits.value = [];
  void ask();
}
