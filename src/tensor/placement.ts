// Chooses the device that computes a node: that of its inputs. Two devices in one operation are an error.

import { apply } from "../graph/apply.ts";
import { HebbError } from "../graph/errors.ts";
import { gradient, type Node, type Op } from "../graph/node.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { Cell, type ComputeDevice, deviceOfHome, type Home, homeOfDevice, Storage } from "../runtime/index.ts";
import { currentTrace } from "./trace.ts";

/** Known devices of nodes without a value; undefined if a node is computed wherever it is used. */
const homes = new WeakMap<Node, Home | undefined>();

/**
 * The device that must compute the node; undefined: it is made of constants, and is computed where it is used. Throws if it reads from two devices.
 */
export function homeOf(node: Node): Home | undefined {
  if (isKnown(node)) return knownHome(node);
  const order = topologicalOrder([node], { inputsOf: (each) => (isKnown(each) ? [] : each.inputs) });
  for (const each of order) if (!isKnown(each)) homes.set(each, targetOf(each) ?? commonHome(each));
  return homes.get(node);
}

export const deviceOf = (node: Node): ComputeDevice => deviceOfHome(homeOf(node));

const isKnown = (node: Node): boolean => node.source !== undefined || homes.has(node);

function knownHome(node: Node): Home | undefined {
  const { source } = node;
  if (source instanceof Storage) return source.place.home;
  return source instanceof Cell ? source.home : homes.get(node);
}

function commonHome({ op, inputs, scope }: Node): Home | undefined {
  let home: Home | undefined;
  for (const input of inputs)
    home = joinHomes(home, homeOf(input), scope === "" ? op.name : `${op.name} in "${scope}"`);
  return home;
}

/** The common device of two values that are used together. */
export function joinHomes(one: Home | undefined, other: Home | undefined, where: string): Home | undefined {
  if (one === undefined || other === undefined || one === other) return one ?? other;
  throw new HebbError(`${where}: its tensors are on ${one.name} and on ${other.name}; move one of them with toDevice`);
}

/** States that the argument of a traced function stands for a value of this device. */
export function setHome(argument: Node, home: Home | undefined): void {
  homes.set(argument, home);
}

const transferOps = new WeakMap<Home, Op>();
const targets = new WeakMap<Op, Home>();

/** The device that the node moves its input to; undefined for all other operations. */
export const targetOf = ({ op }: Node): Home | undefined => targets.get(op);

function transferOp(home: Home): Op {
  const known = transferOps.get(home);
  if (known !== undefined) return known;
  const op: Op = {
    name: "toDevice",
    traits: { view: "same" },
    infer: ([x]) => x as Node,
    // The gradient moves back to the device of the input.
    gradient: gradient(({ node, grad }) => [movedTo(grad, homeOf(node.inputs[0] as Node))]),
    // A value without a device is computed where it is used; nothing moves.
    rule: { kind: "element", element: ({ input, index }) => input(0, index) },
  };
  transferOps.set(home, op);
  targets.set(op, home);
  return op;
}

/** movedTo for an explicit call by the user, which is refused inside a compiled function. */
export function movedByUser(node: Node, device: ComputeDevice): Node {
  const home = homeOfDevice("toDevice", device);
  if (currentTrace() === undefined || homeOf(node) === home) return movedTo(node, home);
  throw new HebbError(
    `toDevice: a compiled function runs on one device; move tensors to ${home.name} before the call, and pass them as arguments`,
  );
}

/** The node's value on another device. */
export const movedTo = (node: Node, home: Home | undefined): Node =>
  home === undefined || homeOf(node) === home ? node : apply(transferOp(home), [node], {});

/** The node's value on the device of the values it is used with. Constants, and values in compiled functions, which have one device, need no move. */
export function broughtTo(node: Node, home: Home | undefined): Node {
  if (home === undefined || currentTrace() !== undefined) return node;
  const own = homeOf(node);
  return own === undefined || own === home ? node : movedTo(node, home);
}

/** The values on one device, that of the first value with one, for joining. */
export function onOneDevice(nodes: readonly Node[]): Node[] {
  const home = nodes.map(homeOf).find((each) => each !== undefined);
  return nodes.map((node) => broughtTo(node, home));
}
