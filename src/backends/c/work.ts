// Estimates the work of a program from its kernels: whether compiling it pays off for a single run.
import type { Instruction, Program, Statement } from "../../compiler/kernel.ts";
import { extentOf } from "../analysis/steps.ts";

/** Loop points plus products of contractions, for one run. */
export function workOf(program: Program): number {
  return workOfAll(program.kernels);
}

const workOfAll = (kernels: readonly Instruction[]): number =>
  kernels.reduce((total, kernel) => total + kernelWork(kernel), 0);

function kernelWork(kernel: Instruction): number {
  switch (kernel.kind) {
    case "contraction":
      return extentOf([...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k]);
    case "repeat":
      return kernel.steps * workOfAll(kernel.body);
    case "loops":
      return extentOf(kernel.axes) * bodyWork(kernel.body);
  }
}

function bodyWork(body: readonly Statement[]): number {
  let work = 1;
  for (const statement of body) {
    switch (statement.kind) {
      case "for":
        work += extentOf(statement.axes) * bodyWork(statement.body);
        break;
      case "reduce":
        work += extentOf(statement.axes);
        break;
      case "scan":
        work += statement.axis.extent;
        break;
      default:
        break;
    }
  }
  return work;
}
