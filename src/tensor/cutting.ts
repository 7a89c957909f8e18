// Where to cut a graph with collectives: the part of the program that computes each node, and the values that cross between parts.

import type { Output } from "../compiler/compiled.ts";
import { type Node, type Source, sourceNode } from "../graph/node.ts";
import { isCollective } from "../graph/ops/collective.ts";
import { overInputs, rewriteGraph, topologicalOrder, usersOf } from "../graph/walk.ts";
import { Argument } from "../runtime/index.ts";

/** A value computed by one part, or by the ranks together after it, that a later part or the caller reads. */
interface Crossing {
  readonly node: Node;
  /** The part after which the value exists. */
  part: number;
}

export interface Part {
  readonly outputs: readonly Output[];
  readonly checks: readonly Node[];
  /** Places of its results among the crossing values, in order. */
  readonly results: readonly number[];
  /** What the ranks compute after the part has run: places of the collectives and of their inputs. */
  readonly collectives: readonly {
    readonly node: Node;
    readonly place: number;
    readonly input: number;
    /** Distance of the node from the sources, in nodes. */
    readonly depth: number;
  }[];
}

export interface Cut {
  readonly parts: readonly Part[];
  /** The number of crossing values. They are arguments, after those of the caller. */
  readonly crossing: number;
  /** Places of the caller's results among the crossing values. */
  readonly results: readonly number[];
}

/**
 * Cuts at the collectives. A node is computed as early as its inputs allow. One that reads only state and arguments is computed where it is first
 * used, so that an update stays one pass over its weight. State is written by the part that computes its value, unless a later part reads the old
 * value or has a check that may fail: then the last part writes it.
 */
export function cutAtCollectives(outputs: readonly Output[], checks: readonly Node[], argumentCount: number): Cut {
  const roots = [...outputs.map(({ node }) => node), ...checks];
  const order = topologicalOrder(roots);
  const { partOf, last } = placed(order, outputs, checks);
  const depths = depthsOf(order);
  const writtenBy = writersOf(outputs, checks, { order, partOf, last });
  const crossings: Crossing[] = [];
  const places = new Map<Node, number>();
  const cross = (node: Node, part: number): number => {
    const known = places.get(node);
    if (known !== undefined) {
      // Any part can copy a source, so the first one that needs it does.
      const crossing = crossings[known] as Crossing;
      crossing.part = Math.min(crossing.part, part);
      return known;
    }
    places.set(node, crossings.length);
    return crossings.push({ node, part }) - 1;
  };
  for (const node of order) {
    const own = partOf.get(node);
    if (own === undefined) continue;
    if (isCollective(node)) cross(node, own);
    for (const input of node.inputs) {
      const part = partOf.get(input) ?? (isCollective(node) ? own : undefined);
      if (part !== undefined && (isCollective(node) || part < own)) cross(input, part);
    }
  }
  // The last part copies values that only pass through.
  const results = outputs.flatMap(({ node, updates }) =>
    updates === undefined ? [cross(node, partOf.get(node) ?? last)] : [],
  );
  const parts = Array.from({ length: last + 1 }, (_, part): Part => {
    const mine = crossings.flatMap((crossing, place) => (crossing.part === part ? [{ ...crossing, place }] : []));
    const computed = mine.filter(({ node }) => !isCollective(node));
    const wanted = [
      ...computed.map(({ node }): Output => ({ node })),
      ...outputs.filter(({ updates }, k) => updates !== undefined && writtenBy[k] === part),
    ];
    const due = checks.filter((check) => (partOf.get(check) ?? last) === part);
    const earlier = (node: Node): boolean => {
      const place = places.get(node);
      const from = place === undefined ? undefined : crossings[place]?.part;
      return from !== undefined && (from < part || (isCollective(node) && from <= part));
    };
    const own = [...wanted.map(({ node }) => node), ...due];
    const inside = topologicalOrder(own, { inputsOf: (node) => (earlier(node) ? [] : node.inputs) });
    const rewritten = rewriteGraph(inside, own, (node, inputs) =>
      earlier(node)
        ? sourceNode(node, new Argument(argumentCount + (places.get(node) ?? 0)))
        : overInputs(node, inputs),
    );
    return {
      outputs: wanted.map((output, k) => ({ ...output, node: rewritten[k] as Node })),
      checks: rewritten.slice(wanted.length),
      results: computed.map(({ place }) => place),
      collectives: mine.flatMap(({ node, place }) => {
        const input = places.get(node.inputs[0] as Node);
        const depth = depths.get(node) ?? 0;
        return isCollective(node) && input !== undefined ? [{ node, place, input, depth }] : [];
      }),
    };
  });
  return { parts, crossing: crossings.length, results };
}

interface Placed {
  readonly order: readonly Node[];
  readonly partOf: ReadonlyMap<Node, number>;
  readonly last: number;
}

/** The part that writes each state. */
function writersOf(
  outputs: readonly Output[],
  checks: readonly Node[],
  { order, partOf, last }: Placed,
): (number | undefined)[] {
  const checked = checks.reduce((latest, check) => Math.max(latest, partOf.get(check) ?? last), 0);
  /** The last part that reads each state. */
  const readBy = new Map<Source, number>();
  for (const node of order)
    for (const { source } of node.inputs)
      if (source !== undefined) readBy.set(source, Math.max(readBy.get(source) ?? 0, partOf.get(node) ?? last));
  // The last part copies old state that the caller gets.
  for (const { node, updates } of outputs)
    if (updates === undefined && node.source !== undefined) readBy.set(node.source, last);
  return outputs.map(({ node, updates }) => {
    if (updates === undefined) return undefined;
    const part = partOf.get(node) ?? last;
    const waits = isCollective(node) || part < checked || part < (readBy.get(updates) ?? 0);
    return waits ? last : part;
  });
}

/** The length of the longest path from a source to each node, in nodes. */
function depthsOf(order: readonly Node[]): ReadonlyMap<Node, number> {
  const depths = new Map<Node, number>();
  for (const node of order) {
    let depth = 0;
    for (const input of node.inputs) depth = Math.max(depth, 1 + (depths.get(input) ?? 0));
    depths.set(node, depth);
  }
  return depths;
}

/** The part of each node. Sources and constants have none: every part makes its own. */
function placed(order: readonly Node[], outputs: readonly Output[], checks: readonly Node[]) {
  const isFree = ({ inputs }: Node): boolean => inputs.length === 0;
  const earliest = new Map<Node, number>();
  let last = 0;
  for (const node of order) {
    let part = 0;
    for (const input of node.inputs) part = Math.max(part, (earliest.get(input) ?? 0) + (isCollective(input) ? 1 : 0));
    earliest.set(node, part);
    last = Math.max(last, part + (isCollective(node) ? 1 : 0));
  }
  // The latest part that can compute a node, so that its value is ready for all users.
  const users = usersOf(order);
  const asked = new Set(checks);
  for (const { node, updates } of outputs) if (updates === undefined) asked.add(node);
  const latest = new Map<Node, number>();
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at] as Node;
    let part = last;
    for (const user of users.get(node) ?? []) part = Math.min(part, latest.get(user) ?? last);
    latest.set(node, isCollective(node) ? (earliest.get(node) ?? 0) : part);
  }
  const partOf = new Map<Node, number>();
  for (const node of order) {
    if (isFree(node)) continue;
    if (isCollective(node)) {
      partOf.set(node, earliest.get(node) ?? 0);
      continue;
    }
    let part = -1;
    for (const input of node.inputs) {
      const from = partOf.get(input);
      if (from !== undefined) part = Math.max(part, from + (isCollective(input) ? 1 : 0));
    }
    partOf.set(node, part >= 0 ? part : asked.has(node) ? (earliest.get(node) ?? 0) : (latest.get(node) ?? last));
  }
  return { partOf, last };
}
