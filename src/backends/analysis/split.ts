// Splits a long reduction with few results into partial ones that threads can share: phases of one kernel.
import { rewrite } from "../../compiler/indexing.ts";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import { byteSize, type ElementType } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
  axisValue,
  binary,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
} from "../../graph/scalar.ts";
import { combineFn } from "./combine.ts";
import { extentOf } from "./steps.ts";

/** Memory that all threads see, in which one phase of a kernel leaves results for the next. */
export interface SharedScratch {
  needShared(bytes: number): void;
  /** The shared memory as a buffer of the program, from its first byte on. */
  sharedBuffer(dtype: ElementType): number;
}

/** With more results than this, each reduction is short, or there are enough units of work. */
const mostResults = 64;
/** With fewer points in total than this, one thread is fast enough. */
const fewestPoints = 65536;
const mostParts = 64;

/**
 * The kernel as one or more kernels to run in order. The parts depend on the extents alone, so the bits are the same for any
 * number of threads. Partial results are in the shared scratch.
 */
export function splitReductions(kernel: LoopKernel, context: SharedScratch): LoopKernel[] {
  const results = extentOf(kernel.axes);
  if (results > mostResults) return [kernel];
  const phases: LoopKernel[] = [];
  let body: Statement[] = [];
  /** Of the scratch, in which reductions of several dtypes lie one behind the other. */
  let usedBytes = 0;
  for (const statement of kernel.body) {
    const axis = statement.kind === "reduce" ? axisToSplit(statement.axes, results, body) : undefined;
    if (statement.kind !== "reduce" || axis === undefined) {
      body.push(statement);
      continue;
    }
    const { local, combine, axes, value } = statement;
    const length = Math.floor(axis.extent / mostParts);
    const [part, within, rest, parts] = [
      newAxis(mostParts),
      newAxis(length),
      newAxis(axis.extent - length * mostParts),
      newAxis(mostParts),
    ];
    const buffer = context.sharedBuffer(local.dtype);
    const start = usedBytes / byteSize(local.dtype);
    const place = (index: Scalar): Scalar => {
      let flat: Scalar = index;
      for (const outer of kernel.axes) flat = add(mul(flat, int(outer.extent)), axisValue(outer));
      return add(flat, int(start));
    };
    const along = (index: Scalar): Scalar =>
      rewrite(value, (scalar) => (scalar.kind === "axis" && scalar.axis.id === axis.id ? index : undefined));
    const others = axes.filter((other) => other !== axis);
    const partial = newLocal(local.dtype);
    phases.push({
      ...kernel,
      name: `${kernel.name}, parts`,
      axes: [part, ...kernel.axes],
      body: [
        ...body,
        {
          kind: "reduce",
          local: partial,
          combine,
          axes: [within, ...others],
          value: along(add(mul(axisValue(part), int(length)), axisValue(within))),
        },
        { kind: "store", buffer, index: place(axisValue(part)), value: localValue(partial) },
      ],
    });
    const whole = newLocal(local.dtype);
    body = [
      ...body,
      {
        kind: "reduce",
        local: whole,
        combine,
        axes: [parts],
        value: load(buffer, place(axisValue(parts)), local.dtype),
        parts: true,
      },
    ];
    if (rest.extent === 0) {
      body.push({ kind: "let", local, value: localValue(whole) });
    } else {
      const end = newLocal(local.dtype);
      body.push({
        kind: "reduce",
        local: end,
        combine,
        axes: [rest, ...others],
        value: along(add(axisValue(rest), int(length * mostParts))),
      });
      body.push({ kind: "let", local, value: binary(combineFn[combine], localValue(whole), localValue(end)) });
    }
    // A multiple of 64 bytes, so that any dtype can come next.
    usedBytes += mostParts * results * byteSize(local.dtype);
    context.needShared(usedBytes);
  }
  return [...phases, { ...kernel, body }];
}

/** The longest axis of a reduction behind these statements, the outermost of several, if it is to be split. */
function axisToSplit(axes: readonly Axis[], results: number, before: readonly Statement[]): Axis | undefined {
  if (results * extentOf(axes) < fewestPoints) return undefined;
  // A store before it could change what later phases read again.
  if (before.some(({ kind }) => kind !== "let" && kind !== "reduce")) return undefined;
  const longest = [...axes].sort((a, b) => b.extent - a.extent)[0];
  return longest !== undefined && longest.extent >= 2 * mostParts ? longest : undefined;
}
