// The launches of a program run, in order, each with its kernel form and memory. Loops over time are unrolled.

import { hasChecks } from "../../compiler/checks.ts";
import type { Instruction, Program } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import { byteSize } from "../../graph/dtype.ts";
import { baseOf, movingSlots, tableSlots } from "../analysis/arguments.ts";
import { type FormedKernel, formsOf, type KernelForm } from "../analysis/kernelForms.ts";

/** An offset in bytes from the address in a slot: of an argument, or of the arena, whose slot follows the arguments. */
export interface Address {
  readonly slot: number;
  readonly byteOffset: number;
}

export interface Launch {
  readonly form: KernelForm;
  /** The start of each of the form's buffers. */
  readonly operands: readonly Address[];
  /** The instruction of the program it belongs to. */
  readonly instruction: number;
}

/** The launches of one run, the arena's slot, and whether a check may fail. */
export interface Schedule {
  readonly launches: readonly Launch[];
  readonly arenaSlot: number;
  readonly hasChecks: boolean;
}

export function scheduleOf(program: Program): Schedule {
  const slots = tableSlots(program);
  const formed = formsOf(program);
  const launches: Launch[] = [];
  /** The addresses of the windows at the current step. */
  const windows = new Map<number, Address>();
  const resolve = ({ slot, byteOffset }: Address): Address => {
    const window = windows.get(slot);
    return window === undefined
      ? { slot, byteOffset }
      : { slot: window.slot, byteOffset: window.byteOffset + byteOffset };
  };
  const launch = ({ form, operands }: FormedKernel, instruction: number): void => {
    launches.push({
      form,
      instruction,
      operands: operands.map(({ buffer, start }) => {
        const { placement, dtype } = at(program.buffers, buffer);
        const { slot, byteOffset } = resolve(baseOf(placement, slots));
        return { slot, byteOffset: byteOffset + start * byteSize(dtype) };
      }),
    });
  };
  /** Launches the kernels, the first of which has index `first`; returns the index after the last. */
  const carryOut = (kernels: readonly Instruction[], first: number, outer: number | undefined): number => {
    let next = first;
    for (const [place, kernel] of kernels.entries()) {
      const instruction = outer ?? place;
      if (kernel.kind !== "repeat") {
        launch(at(formed, next++), instruction);
        continue;
      }
      const moving = movingSlots(kernel, program);
      const begin = next;
      for (let step = 0; step < kernel.steps; step++) {
        const t = kernel.reverse ? kernel.steps - 1 - step : step;
        for (const { slot, first: row, rowBytes, shift, rows = Number.POSITIVE_INFINITY } of moving) {
          windows.delete(slot);
          const { slot: whole, byteOffset } = resolve(row);
          windows.set(slot, { slot: whole, byteOffset: byteOffset + ((t + shift) % rows) * rowBytes });
        }
        next = carryOut(kernel.body, begin, instruction);
      }
      next = begin + plainCount(kernel.body);
    }
    return next;
  };
  carryOut(program.kernels, 0, undefined);
  return { launches, arenaSlot: slots.arena, hasChecks: program.kernels.some(hasChecks) };
}

const plainCount = (kernels: readonly Instruction[]): number =>
  kernels.reduce((count, kernel) => count + (kernel.kind === "repeat" ? plainCount(kernel.body) : 1), 0);
