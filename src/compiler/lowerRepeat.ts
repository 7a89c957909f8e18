// Lowers a loop over time: its body is compiled once, as a program whose arguments become rows of the loop's inputs, states and results.
import { at } from "../graph/at.ts";
import { type ElementType, storedAs } from "../graph/dtype.ts";
import { InternalError } from "../graph/errors.ts";
import { type LoopBody, type Node, type Source, sourceNode } from "../graph/node.ts";
import { inputsWithin } from "../graph/ops/scanBody.ts";
import { bodyOf, scanAttributes, scanInputs, scanResult } from "../graph/ops/scanParts.ts";
import { sizeOf } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import type { Compiled, Output } from "./compiled.ts";
import type { BufferIds, RepeatGroup } from "./groups.ts";
import type { Instruction, Kernel, Repeat, Statement, Window } from "./kernel.ts";
import { axesOf, copyKernel, type LoweredRepeat, moveBuffers, type Place } from "./lower.ts";

/** A buffer before it is placed in memory. */
export interface BufferDraft {
  readonly name: string;
  readonly dtype: ElementType;
  readonly length: number;
  /** For a loop: a window, or an offset in the working memory of a step. */
  readonly inside?:
    | { readonly kind: "window"; readonly slot: number }
    | { readonly kind: "within"; readonly within: number; readonly byteOffset: number };
}

export type CompileBody = (name: string, outputs: readonly Output[]) => Compiled;

export interface RepeatContext {
  readonly name: string;
  /** The numbers of the loop's first check and first window in the program. */
  readonly firstSite: number;
  readonly firstWindow: number;
  readonly buffers: BufferIds;
  /** Results that need separate memory: outputs of the program, and parts of cats. */
  readonly own: ReadonlySet<Node>;
  /** Creates a buffer. */
  draft(buffer: BufferDraft): number;
  readonly compileBody: CompileBody;
}

export function lowerRepeat(
  group: RepeatGroup,
  context: RepeatContext,
): LoweredRepeat & { readonly windowCount: number } {
  return new RepeatLowering(group, context).run();
}

/** The rows of a carried value: two in alternation, or one per step if a result needs all of them. */
interface States {
  readonly buffer: number;
  readonly rowLength: number;
  /** Absent: one row per step, plus one. */
  readonly rows?: number;
}

type Row = Omit<Window, "buffer">;

class RepeatLowering {
  readonly #context: RepeatContext;
  readonly #group: RepeatGroup;
  readonly #body: LoopBody;
  readonly #steps: number;
  readonly #reverse: boolean;
  readonly #live: readonly number[];
  readonly #states = new Map<number, States>();
  readonly #windows: Window[] = [];
  #windowCount = 0;

  constructor(group: RepeatGroup, context: RepeatContext) {
    this.#group = group;
    this.#context = context;
    this.#body = bodyOf(group.node);
    const { steps, reverse } = scanAttributes(group.node);
    this.#steps = steps;
    this.#reverse = reverse;
    this.#live = liveCarried(this.#body, group.results);
  }

  run(): LoweredRepeat & { readonly windowCount: number } {
    const context = this.#context;
    const group = this.#group;
    const body = this.#body;
    const live = this.#live;
    const initial = scanInputs(group.node).initial;
    const before: Kernel[] = live.map((place) => {
      const like = body.carried[place] as Node;
      const rowLength = sizeOf(like.shape);
      const rows = this.#isKept(place) ? undefined : 2;
      const buffer = context.draft({
        name: "states",
        dtype: storedAs(like.dtype),
        length: rowLength * (rows ?? this.#steps + 1),
      });
      this.#states.set(place, { buffer, rowLength, ...(rows === undefined ? {} : { rows }) });
      const from = context.buffers.get(initial[place] as Node) as number;
      return copyKernel(from, this.#stateAt(place, this.#reverse ? this.#steps : 0), like.dtype, axesOf(like.shape));
    });
    const { repeat, checks, after, moved } = this.#lowerBody();
    return { kernels: [...before, repeat, ...after], checks, moved, windowCount: this.#windowCount };
  }

  /** Whether a result is the carried value at every step. */
  #isKept(place: number): boolean {
    const { carried, next } = this.#body;
    return this.#group.results.some(
      (result) => scanResult(result).kind === "stack" && [carried[place], next[place]].includes(this.#valueOf(result)),
    );
  }

  #valueOf(result: Node): Node {
    return at(this.#body.order, scanResult(result).value);
  }

  #stateAt(place: number, row: number): Place {
    const { buffer, rowLength, rows } = this.#states.get(place) as States;
    return { buffer, start: (rows === undefined ? row : row % rows) * rowLength };
  }

  /** The row of the states that step t reads or writes. */
  #stateRow(place: number, side: "read" | "write"): Row {
    const { buffer, rows } = this.#states.get(place) as States;
    const shift = (side === "read") === this.#reverse ? 1 : 0;
    return { whole: buffer, start: 0, shift, ...(rows === undefined ? {} : { rows }) };
  }

  /**
   * Results that are states become parts of the states' memory. The others are written row by row. `asked`: the values the body must
   * produce besides the next states.
   */
  #placeResults(): {
    readonly asked: { readonly value: Node; readonly row: Row }[];
    readonly after: Kernel[];
    readonly moved: Map<number, Place>;
  } {
    const context = this.#context;
    const group = this.#group;
    const body = this.#body;
    const live = this.#live;
    const asked: { value: Node; row: Row }[] = [];
    const after: Kernel[] = [];
    const moved = new Map<number, Place>();
    for (const result of group.results) {
      const buffer = context.buffers.get(result) as number;
      const state = this.#stateOf(result);
      if (state === undefined) {
        asked.push({ value: this.#valueOf(result), row: { whole: buffer, start: 0, shift: 0 } });
        continue;
      }
      if (!context.own.has(result)) moved.set(buffer, state);
      else {
        const copy = copyKernel(nowhere, { buffer, start: 0 }, result.dtype, axesOf(result.shape));
        after.push(moveBuffers(copy, new Map([[nowhere, state]])));
      }
    }
    for (const place of live) asked.push({ value: body.next[place] as Node, row: this.#stateRow(place, "write") });
    return { asked, after, moved };
  }

  /** The part of the states that is the result: the last state, or all states starting with the first or second. */
  #stateOf(result: Node): Place | undefined {
    const body = this.#body;
    const live = this.#live;
    const reverse = this.#reverse;
    const steps = this.#steps;
    const { kind, value: place } = scanResult(result);
    if (kind === "final") return this.#stateAt(place, reverse ? 0 : steps);
    const value = this.#valueOf(result);
    const read = body.carried.indexOf(value);
    if (read >= 0) return this.#stateAt(read, reverse ? 1 : 0);
    const written = live.find((carried) => body.next[carried] === value);
    return written === undefined ? undefined : this.#stateAt(written, reverse ? 0 : 1);
  }

  #lowerBody(): {
    readonly repeat: Repeat;
    readonly checks: LoweredRepeat["checks"];
    readonly after: Kernel[];
    readonly moved: Map<number, Place>;
  } {
    const context = this.#context;
    const steps = this.#steps;
    const reverse = this.#reverse;
    const { asked, after, moved } = this.#placeResults();
    const { nodes, leafOf } = this.#overArguments(asked.map(({ value }) => value));
    const { program, slots } = context.compileBody(
      context.name,
      nodes.map((node) => ({ node })),
    );
    // The body's buffers, in the enclosing program.
    const within = context.draft({ name: "steps", dtype: "uint8", length: program.arenaBytes });
    const inside = new Set<number>();
    const places = new Map<number, Place>();
    for (const { id, name, dtype, length, placement } of program.buffers) {
      const own = { name, dtype, length };
      let to: number;
      if (placement.kind === "arena") {
        to = context.draft({ ...own, inside: { kind: "within", within, byteOffset: placement.byteOffset } });
        inside.add(to);
      } else if (placement.kind === "window") to = this.#draftWindow(own);
      else {
        const slot = slots[placement.slot];
        const row = slot?.kind === "output" ? asked[slot.output]?.row : slot && leafOf.get(slot.source);
        if (row === undefined) throw new InternalError(`loop ${context.name} reads ${name} of another`);
        to = typeof row === "number" ? row : this.#window(own, row);
      }
      places.set(id, { buffer: to, start: 0 });
    }
    const body = program.kernels.map((kernel) => inProgram(kernel, places, context.firstSite));
    return {
      repeat: {
        kind: "repeat",
        name: context.name,
        steps,
        reverse,
        windows: this.#windows,
        body,
        inside: { buffers: inside, within },
      },
      checks: program.checks,
      after,
      moved,
    };
  }

  #draftWindow(own: BufferDraft): number {
    const slot = this.#context.firstWindow + this.#windowCount++;
    return this.#context.draft({ ...own, inside: { kind: "window", slot } });
  }

  #window(own: BufferDraft, row: Row): number {
    const buffer = this.#draftWindow(own);
    this.#windows.push({ buffer, ...row });
    return buffer;
  }

  /** The values with arguments for leaves, and what each argument reads: a buffer, or a row of one. */
  #overArguments(values: readonly Node[]): {
    readonly nodes: readonly Node[];
    readonly leafOf: ReadonlyMap<Source, number | Row>;
  } {
    const context = this.#context;
    const body = this.#body;
    const group = this.#group;
    const inputs = scanInputs(group.node);
    const leafOf = new Map<Source, number | Row>();
    const stand = new Map<Node, Node>();
    const leaf = (node: Node, reads: number | Row): void => {
      const source: Source = { sourceKind: "argument" };
      stand.set(node, sourceNode(node, source));
      leafOf.set(source, reads);
    };
    const bufferOf = (node: Node | undefined): number => context.buffers.get(node as Node) as number;
    body.constants.forEach((node, place) => {
      leaf(node, bufferOf(inputs.constants[place]));
    });
    body.rows.forEach((node, place) => {
      leaf(node, { whole: bufferOf(inputs.stacked[place]), start: 0, shift: 0 });
    });
    for (const place of this.#live) leaf(body.carried[place] as Node, this.#stateRow(place, "read"));
    const order = topologicalOrder(values, { inputsOf: inputsWithin(body) });
    const nodes = rewriteGraph(order, values, (node, over) => stand.get(node) ?? overInputs(node, over));
    return { nodes, leafOf };
  }
}

/** Placeholder for a buffer of a kernel until it is known. */
const nowhere = -1;

/** The carried values that the results depend on, directly or through other carried values. */
function liveCarried(body: LoopBody, results: readonly Node[]): readonly number[] {
  const inputsOf = inputsWithin(body);
  const live = new Set<number>();
  const open: Node[] = [];
  const take = (place: number): void => {
    if (live.has(place)) return;
    live.add(place);
    open.push(body.next[place] as Node);
  };
  for (const result of results) {
    const { kind, value } = scanResult(result);
    if (kind === "stack") open.push(at(body.order, value));
    else take(value);
  }
  for (let value = open.pop(); value !== undefined; value = open.pop())
    for (const node of topologicalOrder([value], { inputsOf })) {
      const place = body.carried.indexOf(node);
      if (place >= 0) take(place);
    }
  return [...live].sort((a, b) => a - b);
}

/** A kernel of the body with the enclosing program's buffers and check numbers. */
function inProgram(kernel: Instruction, places: ReadonlyMap<number, Place>, firstSite: number): Instruction {
  if (kernel.kind === "repeat") {
    const buffer = (id: number): number => places.get(id)?.buffer ?? id;
    return {
      ...kernel,
      windows: kernel.windows.map((window) => ({
        ...window,
        buffer: buffer(window.buffer),
        whole: buffer(window.whole),
      })),
      body: kernel.body.map((inner) => inProgram(inner, places, firstSite)),
      inside: {
        buffers: new Set([...kernel.inside.buffers].map(buffer)),
        within: buffer(kernel.inside.within),
      },
    };
  }
  const moved = moveBuffers(kernel, places);
  if (firstSite === 0 || moved.kind !== "loops") return moved;
  const numbered = (statement: Statement): Statement =>
    statement.kind === "check" ? { ...statement, site: statement.site + firstSite } : statement;
  return { ...moved, body: moved.body.map(numbered) };
}
