// A kernel as a sequence of GPU launches: long sums with few results are computed in parts, which keeps the whole GPU busy.

import type { BufferInfo } from "../../compiler/kernel.ts";
import { byteSize, type ElementType } from "../../graph/dtype.ts";
import type { KernelForm } from "../analysis/kernelForms.ts";
import { splitReductions } from "../analysis/split.ts";
import { inParts } from "../contraction/kernels.ts";
import type { PartLimits } from "../contraction/machine.ts";
import type { Target } from "./mapping.ts";

/** Kernels in order. After the form's buffers there may be others, all of which start at the device's scratch. */
export interface Phases {
  readonly forms: readonly KernelForm[];
  readonly scratchBytes: number;
}

/** Products with this few tiles leave most of a card idle. */
const parts: PartLimits = {
  shortestSum: 512,
  mostPieces: 64,
  piece: [32, 32],
  length: 128,
  most: 64,
  outermost: false,
  tolerance: undefined,
};

export function phasesOf(form: KernelForm, target: Target): Phases {
  const scratch = new Scratch(form.buffers);
  const kernels = target.kind === "card" ? cut(form, scratch) : [form.kernel];
  const { buffers, bytes } = scratch;
  return { forms: kernels.map((kernel) => ({ kernel, buffers })), scratchBytes: bytes };
}

function cut({ kernel }: KernelForm, scratch: Scratch): readonly KernelForm["kernel"][] {
  if (kernel.kind === "loops") return splitReductions(kernel, scratch);
  const { dtype } = kernel;
  if (dtype === "float64") return [kernel];
  const reserve = (elements: number): number => {
    scratch.needShared(elements * byteSize(dtype));
    return 0;
  };
  const two = inParts(kernel, parts, { buffer: scratch.sharedBuffer(dtype), reserve });
  return two === undefined ? [kernel] : [two.first, two.finish];
}

class Scratch {
  buffers: readonly BufferInfo[];
  bytes = 0;
  readonly #own = new Map<ElementType, number>();

  constructor(buffers: readonly BufferInfo[]) {
    this.buffers = buffers;
  }

  needShared(bytes: number): void {
    this.bytes = Math.max(this.bytes, bytes);
  }

  sharedBuffer(dtype: ElementType): number {
    const known = this.#own.get(dtype);
    if (known !== undefined) return known;
    const id = this.buffers.length;
    const placement = { kind: "argument", slot: id } as const;
    this.buffers = [...this.buffers, { id, name: "scratch", dtype, length: 0, placement }];
    this.#own.set(dtype, id);
    return id;
  }
}
