// The statements of a kernel as a single invocation runs them.
import type { Statement } from "../../../compiler/kernel.ts";
import { at } from "../../../graph/at.ts";
import type { ElementType } from "../../../graph/dtype.ts";
import type { Axis } from "../../../graph/scalar.ts";
import { extentOf } from "../../analysis/steps.ts";
import { combination, identity, wgslType } from "./operations.ts";
import type { Writer } from "./writer.ts";

/** float32 additions per partial sum: long sums stay accurate. */
const run = 16;
/** The same for a running sum, which adds up its partial sums at every step. */
const scanned = 64;

export function serialStatements(w: Writer, body: readonly Statement[]): void {
  for (const statement of body) serialStatement(w, statement);
}

export function serialStatement(w: Writer, statement: Statement): void {
  switch (statement.kind) {
    case "let":
      w.bind(statement.local, statement.value);
      break;
    case "reduce": {
      const { axes } = statement;
      const total = reduction(w, statement, (step) => loops(w, axes, step), extentOf(axes));
      w.line(`let ${w.rename(statement.local.id)} = ${total};`);
      break;
    }
    case "for":
      loops(w, statement.axes, () => serialStatements(w, statement.body));
      break;
    case "store": {
      const [index = "", value = ""] = w.values(statement.index, statement.value);
      w.store(statement.buffer, index, value, statement.accumulate === true);
      break;
    }
    case "scan":
      scan(w, statement);
      break;
    case "check":
      check(w, statement);
      break;
  }
}

/** Long float running sums are built from short ones, like long sums. Products are not: a part could overflow where the whole does not. */
function scan(w: Writer, { combine, axis, buffer, value, index }: Extract<Statement, { kind: "scan" }>): void {
  const { dtype } = at(w.buffers, buffer);
  const long = combine === "sum" && dtype === "float32" && axis.extent > scanned;
  const running = w.fresh("r");
  w.line(`var ${running} = ${identity(combine, dtype)};`);
  const [sum, whole, count] = long ? [w.fresh("r"), w.fresh("r"), w.fresh("n")] : ["", "", ""];
  if (long) {
    for (const one of [sum, whole]) w.line(`var ${one} = 0.0f;`);
    w.line(`var ${count} = 0u;`);
  }
  loops(w, [axis], () => {
    const [element = "", place = ""] = w.values(value, index);
    w.line(`${running} = ${combination(combine, dtype, running, element)};`);
    w.store(buffer, place, long ? `(${whole} + (${sum} + ${running}))` : running, false);
    if (!long) return;
    w.line(`${count}++;`);
    const moveAfter = (steps: number, from: string, to: string): void =>
      w.block(`if ((${count} & ${steps - 1}u) == 0u)`, () => {
        w.line(`${to} += ${from};`);
        w.line(`${from} = 0.0f;`);
      });
    moveAfter(scanned, running, sum);
    moveAfter(scanned ** 2, sum, whole);
  });
}

/** Nested loops over the axes. */
export function loops(w: Writer, axes: readonly Axis[], body: () => void): void {
  const [first, ...rest] = axes;
  if (first === undefined) {
    body();
    return;
  }
  const name = w.rename(first.id);
  w.block(`for (var ${name} = 0i; ${name} < ${first.extent}i; ${name}++)`, () => loops(w, rest, body));
}

/**
 * Combines the values of `loop` and returns the name of the result. Long float sums are built from short ones, and those from shorter
 * ones.
 */
export function reduction(
  w: Writer,
  { combine, local, value }: Extract<Statement, { kind: "reduce" }>,
  loop: (step: () => void) => void,
  steps: number,
): string {
  const { dtype } = local;
  const total = w.fresh("r");
  w.line(`var ${total}: ${wgslType(dtype)} = ${identity(combine, dtype)};`);
  const long = combine === "sum" && dtype === "float32" && steps > run;
  if (!long) {
    loop(() => {
      const [element = ""] = w.values(value);
      w.line(`${total} = ${combination(combine, dtype, total, element)};`);
    });
    return total;
  }
  const [part, whole, count] = [w.fresh("r"), w.fresh("r"), w.fresh("n")];
  w.line(`var ${part} = 0.0f;`);
  w.line(`var ${whole} = 0.0f;`);
  w.line(`var ${count} = 0u;`);
  loop(() => {
    const [element = ""] = w.values(value);
    w.line(`${part} += ${element};`);
    w.line(`${count}++;`);
    w.block(`if ((${count} & ${run - 1}u) == 0u)`, () => {
      w.line(`${total} += ${part};`);
      w.line(`${part} = 0.0f;`);
    });
    w.block(`if ((${count} & ${run * run - 1}u) == 0u)`, () => {
      w.line(`${whole} += ${total};`);
      w.line(`${total} = 0.0f;`);
    });
  });
  w.line(`${total} = ${whole} + (${total} + ${part});`);
  return total;
}

/** Keeps the first failure of a run in the device's status: whether a run failed, the run, the check, the index and its place. */
function check(w: Writer, { site, holds, axes, index, place, extent }: Extract<Statement, { kind: "check" }>): void {
  const [held = ""] = w.values(holds);
  w.block(`if (!(${held}) && status[0] == 0u)`, () => {
    loops(w, axes, () => {
      const [found = "", where = ""] = w.values(index, place);
      w.block(`if (status[0] == 0u && (${found} < 0i || ${found} >= ${extent}i))`, () => {
        w.line(`status[2] = ${site}u;`);
        w.line(`status[3] = bitcast<u32>(${found});`);
        w.line(`status[4] = bitcast<u32>(${where});`);
        w.line("status[1] = status[5];");
        w.line("status[0] = 1u;");
      });
    });
  });
}

/** The type of a dtype in shared memory, where bool cannot be shared. */
export const sharedType = (dtype: ElementType): string => (dtype === "bool" ? "u32" : wgslType(dtype));
