// Loaded when a GPU is opened: two thirds of the backend, which pages without WebGPU never need.
import type { HebbError } from "../../graph/errors.ts";
import type { Target } from "../gpu/mapping.ts";
import { findAdapter, openDevice, type Wanted } from "./adapter.ts";
import { Session } from "./session.ts";
import { hasOrderedSubgroups } from "./subgroups.ts";
import { declarationsFor } from "./wgsl/library.ts";

export { describeCard } from "./adapter.ts";
export { emitProgram, LoadedProgram } from "./executable.ts";

export interface OpenCard {
  readonly session: Session;
  readonly name: string;
  /** What kernels are written for. */
  readonly target: Target;
}

/** The card, ready to compute; or a HebbError that says why there is none. */
export async function openCard(wanted: Wanted, failed: (error: HebbError) => void): Promise<OpenCard> {
  const found = await findAdapter(wanted);
  const gpu = await openDevice(found);
  const target: Target = found.software
    ? { kind: "processor" }
    : { kind: "card", subgroups: await hasOrderedSubgroups(gpu) };
  return { session: new Session(gpu, declarationsFor, failed), name: found.name, target };
}
