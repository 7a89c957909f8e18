// The part of the backend loaded when a GPU is opened: two thirds of it, which pages without WebGPU never need.
import type { HebbError } from "../../graph/errors.ts";
import type { Target } from "../gpu/mapping.ts";
import { findAdapter, openDevice, type Wanted } from "./adapter.ts";
import { withHalves } from "./halves.ts";
import { Session } from "./session.ts";
import { hasOrderedSubgroups } from "./subgroups.ts";
import { declarationsFor } from "./wgsl/library.ts";

export { describeCard } from "./adapter.ts";
export { emitProgram, LoadedProgram } from "./executable.ts";

export interface OpenCard {
  readonly session: Session;
  /** The card's name, and how it computes float16 if it does. */
  readonly name: string;
  /** The target that kernels are compiled for. */
  readonly target: Target;
}

/** The card, ready to compute, or a HebbError with the reason there is none. */
export async function openCard(wanted: Wanted, failed: (error: HebbError) => void): Promise<OpenCard> {
  const found = await findAdapter(wanted);
  const gpu = await openDevice(found);
  const session = new Session(gpu, declarationsFor, failed);
  if (found.software) return { session, name: found.name, target: { kind: "processor" } };
  const subgroups = await hasOrderedSubgroups(gpu);
  const { target, remark } = await withHalves(session, { kind: "card", subgroups, float16: false });
  return { session, name: `${found.name}${remark}`, target };
}
