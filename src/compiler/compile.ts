// The pipeline, in order: simplify → split cats → schedule → fuse → lower → order → plan memory → verify. Pure: graph in, program out.

import { byteSize, storedAs } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { isOp, makeNode, type Node, notDifferentiable, type Op, type Source } from "../graph/node.ts";
import { reshapeOp } from "../graph/ops/movement.ts";
import { sizeOf } from "../graph/shape.ts";
import { planArena } from "./arena.ts";
import { distinctChecks, neededByChecks, separateChecks } from "./checks.ts";
import type { Compiled, Output, Slot } from "./compiled.ts";
import { fuse } from "./fuse.ts";
import { forgetIndices } from "./indexing.ts";
import type { BufferInfo, Instruction, Placement, Program } from "./kernel.ts";
import { checkCounted, checkStored } from "./limits.ts";
import { axesOf, copyKernel, lower, moveBuffers, type Place, storedBuffers } from "./lower.ts";
import { type BufferDraft, type CompileBody, lowerRepeat } from "./lowerRepeat.ts";
import { inPlaceTemporaries, inPlaceUpdates, lifetimes } from "./memory.ts";
import { orderKernels } from "./order.ts";
import { schedule } from "./schedule.ts";
import { simplify } from "./simplify.ts";
import { splitCats } from "./splitCats.ts";
import { orderInStages } from "./stageOrder.ts";
import { verify } from "./verify.ts";

export interface CompileOptions {
  /** Default: true; false for comparison. */
  readonly optimize?: boolean;
  /** Checks that must hold, in addition to those the outputs depend on. */
  readonly checks?: readonly Node[];
}

const copyOp: Op = {
  name: "copy",
  infer: ([input]) => ({ shape: input?.shape ?? [], dtype: input?.dtype ?? "float32" }),
  gradient: notDifferentiable("it is made by the compiler, after gradients"),
  rule: { kind: "element", element: ({ input, index }) => input(0, index) },
};

/** Looks through reshapes to the tile that wrote the result. */
function ofTile(node: Node): Node {
  let base = node;
  while (isOp(base, reshapeOp)) base = base.inputs[0] as Node;
  return base.op.rule.kind === "tile" ? base : node;
}

/** Compiles the outputs into one program. `name` labels it in listings. */
export function compileGraph(name: string, outputs: readonly Output[], options: CompileOptions = {}): Compiled {
  forgetIndices();
  const requested = outputs.map((output) => output.node);
  const { values, checks } = separateChecks(requested, options.checks ?? []);
  const roots = [...values, ...checks];
  const simplified = splitCats(options.optimize === false ? roots : simplify(roots));
  const graph = simplified
    .slice(0, values.length)
    .map((node) => (node.op.rule.kind === "source" ? makeNode(copyOp, [node], {}) : ofTile(node)));
  const plan = schedule([...graph, ...distinctChecks(simplified.slice(values.length))], {
    fuse: options.optimize !== false,
  });

  const buffers = new Map<Node, number>();
  const drafts: BufferDraft[] = [];
  const draft = (own: BufferDraft): number => drafts.push(own) - 1;
  const draftOf = (label: string, { dtype, shape }: Node): BufferDraft => ({
    name: label,
    dtype: storedAs(dtype),
    length: sizeOf(shape),
  });
  const sources: Source[] = [];
  const sourceBuffers = new Map<Source, number>();
  for (const node of plan.order) {
    const { source } = node;
    if (source !== undefined) {
      const known = sourceBuffers.get(source);
      if (known !== undefined) {
        buffers.set(node, known);
        continue;
      }
      if (source.sourceKind === "step")
        throw new HebbError(
          "scan, vmap: a tensor that was made inside a step or a function of one example is used outside it; return it from there",
        );
      sourceBuffers.set(source, drafts.length);
      sources.push(source);
    } else if (!plan.realized.has(node)) continue;
    buffers.set(node, drafts.length);
    checkStored(node);
    drafts.push(draftOf(source?.sourceKind ?? node.op.name, node));
  }
  for (const [place, output] of outputs.entries()) {
    if (output.updates === undefined || sourceBuffers.has(output.updates)) continue;
    sourceBuffers.set(output.updates, drafts.length);
    sources.push(output.updates);
    drafts.push(draftOf("state", graph[place] as Node));
  }

  for (const node of plan.order) checkCounted(node);
  const groups = fuse(plan, buffers);
  const checked = groups.flatMap((group) => (group.kind === "check" ? [group.node] : []));
  let windowCount = 0;
  // Requested checks belong to the enclosing program.
  const bodyOptions: CompileOptions = { optimize: options.optimize !== false };
  const compileBody: CompileBody = (label, wanted) => compileGraph(label, wanted, bodyOptions);
  const lowered = lower(groups, {
    buffers,
    outputs: new Set(graph),
    windows: plan.windows,
    lowerRepeat: (group, label, firstSite) => {
      const own = new Set([...graph, ...plan.windows.keys()]);
      const repeat = lowerRepeat(group, {
        name: label,
        firstSite,
        firstWindow: windowCount,
        buffers,
        own,
        draft,
        compileBody,
      });
      windowCount += repeat.windowCount;
      return repeat;
    },
  });
  let kernels: Instruction[] = lowered.kernels;

  // Each output claims its node's buffer: the cell itself if that is safe, otherwise a copy at the end.
  const rename = new Map<number, Place>();
  const slots: Slot[] = sources.map((source) => ({ kind: "source", source }));
  const slotOf = new Map<number, number>(sources.map((source, slot) => [sourceBuffers.get(source) as number, slot]));
  const copies: Instruction[] = [];
  const stageCount = outputs.reduce((most, { stage = 0 }) => Math.max(most, stage + 1), 1);
  /** The stages of the buffers that outputs are written to. */
  const stages = new Map<number, number>();
  const canUpdateInPlace = inPlaceUpdates(kernels);
  // Kernels that a check depends on precede it and assign no state.
  const needed = neededByChecks(kernels);
  const early = new Set(kernels.flatMap((kernel, place) => (needed[place] ? [...storedBuffers(kernel)] : [])));
  const copyTo = (node: Node, to: number): void => {
    copies.push(copyKernel(buffers.get(node) as number, { buffer: to, start: 0 }, node.dtype, axesOf(node.shape)));
  };
  outputs.forEach(({ updates, stage }, place) => {
    const node = graph[place] as Node;
    const result = buffers.get(node) as number;
    const claimed = slotOf.has(result) || rename.has(result);
    if (updates === undefined) {
      const id = claimed ? draft(draftOf("output", node)) : result;
      if (claimed) copyTo(node, id);
      slotOf.set(id, slots.push({ kind: "output", output: place }) - 1);
      if (stage !== undefined) stages.set(id, stage);
      return;
    }
    const cell = sourceBuffers.get(updates) as number;
    if (stage !== undefined) stages.set(cell, stage);
    if (!claimed && !early.has(result) && canUpdateInPlace(cell, result))
      rename.set(result, { buffer: cell, start: 0 });
    else copyTo(node, cell);
  });
  kernels = [...kernels, ...copies].map((kernel) => moveBuffers(kernel, rename));

  const temporaries = drafts
    .map(({ dtype, length, inside }, id) => ({ id, dtype, length, inside }))
    .filter(({ id, inside }) => inside === undefined && !slotOf.has(id) && !rename.has(id));
  const bytes = new Map(temporaries.map(({ id, dtype, length }) => [id, length * byteSize(dtype)]));
  kernels = orderKernels(kernels, (buffer) => bytes.get(buffer));
  const inStages = stageCount > 1 ? orderInStages(kernels, stageCount, (buffer) => stages.get(buffer)) : undefined;
  if (inStages !== undefined) kernels = inStages.kernels;
  const homes = inPlaceTemporaries(kernels, temporaries);
  kernels = kernels.map((kernel) => moveBuffers(kernel, homes));
  const { byteOffsets, arenaBytes } = planArena(lifetimes(kernels, temporaries));
  const placementOf = (id: number, { inside }: BufferDraft): Placement => {
    const slot = slotOf.get(id);
    if (slot !== undefined) return { kind: "argument", slot };
    if (inside?.kind === "window") return inside;
    const own = inside === undefined ? 0 : inside.byteOffset;
    return { kind: "arena", byteOffset: (byteOffsets.get(inside === undefined ? id : inside.within) ?? 0) + own };
  };
  const infos = drafts.map(
    (own, id): BufferInfo => ({
      id,
      name: own.name,
      dtype: own.dtype,
      length: own.length,
      placement: placementOf(id, own),
    }),
  );
  const program: Program = {
    name,
    buffers: infos,
    kernels,
    checks: lowered.checks,
    argumentCount: slots.length,
    windowCount,
    arenaBytes,
    ...(inStages === undefined ? {} : { stageEnds: inStages.stageEnds }),
  };
  verify(program);
  return { program, slots, graph, checks: checked };
}
