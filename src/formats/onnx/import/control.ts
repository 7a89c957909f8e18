// Branches and loops whose counts are known while the graph is built; sequences and optionals.
import { at } from "../../../graph/at.ts";
import { HebbError } from "../../../graph/errors.ts";
import { sameShape } from "../../../graph/shape.ts";
import { cat, stack, type Tensor, where } from "../../../tensor/index.ts";
import type { Subgraph } from "./attributes.ts";
import { graph, int, maybeInt, maybeInts, maybeType } from "./attributes.ts";
import { smallHost } from "./hosts.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";
import { nothing, type SequenceValue, sequence, TensorValue, type Value } from "./values.ts";

/** Loops are unrolled, so more steps would make an endless program. */
const mostSteps = 100_000;

/** Stacks tensors along a new dim. */
function stacked(call: Call<unknown>, values: readonly Value[], dim = 0): Output {
  const tensors = values.map((value) => {
    if (value.kind !== "tensor") throw call.fail("only tensors are collected by a loop");
    return value;
  });
  const [first] = tensors;
  if (first === undefined) throw call.fail("a loop of no steps gives no outputs to stack: their shapes are not known");
  const hosts = tensors.map((value) => smallHost(value, true));
  if (first.rank === 0 && !hosts.includes(undefined))
    return TensorValue.known(
      hosts.flatMap((host) => Array.from(host ?? [])),
      [hosts.length],
      first.type,
    );
  return typed(
    stack(
      tensors.map((value) => value.tensor),
      dim,
    ),
    first.type,
  );
}

/** Computes both branches and selects by the condition, for a condition that is not known yet. */
function bothBranches(
  call: Call<{ readonly then_branch: Subgraph; readonly else_branch: Subgraph }>,
  condition: Tensor,
): Output[] {
  const [then, otherwise] = [
    call.graph.run(call.attributes.then_branch, []),
    call.graph.run(call.attributes.else_branch, []),
  ];
  return then.map((a, place) => {
    const b = otherwise[place];
    if (a.kind !== "tensor" || b?.kind !== "tensor" || a.type !== b.type || !sameShape(a.shape, b.shape))
      throw call.fail(
        "its condition depends on the values of the inputs, and the branches differ in shape: call forward without compile",
      );
    return typed(where(condition.reshape([]), a.tensor, b.tensor), a.type);
  });
}

function loop(call: Call<{ readonly body: Subgraph }>): Output[] {
  const { body } = call.attributes;
  const limit = call.maybeNumber(0) ?? Number.POSITIVE_INFINITY;
  let goes = call.has(1) ? call.number(1) !== 0 : true;
  let carried: Value[] = call.inputs.slice(2).map((_, place) => call.any(place + 2));
  const collected: Value[][] = body.outputs.slice(1 + carried.length).map(() => []);
  for (let step = 0; step < limit && goes; step++) {
    if (step >= mostSteps) throw call.fail(`it takes more than ${mostSteps} steps`);
    const given = [TensorValue.known([step], [], "int64"), TensorValue.known([1], [], "bool"), ...carried];
    const [condition, ...rest] = call.graph.run(body, given.slice(0, body.inputs.length));
    if (condition?.kind !== "tensor") throw call.fail("its body gives no condition");
    const values = rest.slice(0, carried.length);
    rest.slice(carried.length).forEach((value, place) => {
      at(collected, place).push(value);
    });
    carried = values;
    goes = condition.host(`${call.where}: its condition`)[0] !== 0;
  }
  return [
    ...carried,
    ...collected.map((values, place) => (call.wants(carried.length + place) ? stacked(call, values) : undefined)),
  ];
}

interface ScanAttributes {
  readonly body: Subgraph;
  readonly num_scan_inputs: number;
  readonly scan_input_axes: readonly number[] | undefined;
  readonly scan_input_directions: readonly number[] | undefined;
  readonly scan_output_axes: readonly number[] | undefined;
  readonly scan_output_directions: readonly number[] | undefined;
}

function scan(call: Call<ScanAttributes>, inputs: readonly Value[]): Output[] {
  const { attributes: a } = call;
  const states = inputs.length - a.num_scan_inputs;
  let carried = inputs.slice(0, states);
  const rows = inputs.slice(states).map((value, place) => {
    if (value.kind !== "tensor") throw call.fail("it scans only tensors");
    const axis = call.axis(a.scan_input_axes === undefined ? 0 : at(a.scan_input_axes, place), value.rank);
    return { value, axis, backward: a.scan_input_directions?.[place] === 1 };
  });
  const [first] = rows;
  if (first === undefined) throw call.fail("it scans no input");
  const steps = at(first.value.shape, first.axis);
  if (steps > mostSteps) throw call.fail(`it takes more than ${mostSteps} steps`);
  const collected: Value[][] = a.body.outputs.slice(states).map(() => []);
  for (let step = 0; step < steps; step++) {
    const given = rows.map(({ value, axis, backward }) =>
      TensorValue.of(value.tensor.select(axis, backward ? steps - 1 - step : step), value.type, value.constant),
    );
    const results = call.graph.run(a.body, [...carried, ...given]);
    carried = results.slice(0, states);
    results.slice(states).forEach((value, place) => {
      at(collected, place).push(value);
    });
  }
  const outputs = collected.map((values, place) => {
    const ordered = a.scan_output_directions?.[place] === 1 ? [...values].reverse() : values;
    return stacked(call, ordered, a.scan_output_axes === undefined ? 0 : at(a.scan_output_axes, place));
  });
  return [...carried, ...outputs];
}

const scanKinds = {
  body: graph,
  num_scan_inputs: int(),
  directions: maybeInts,
  scan_input_axes: maybeInts,
  scan_input_directions: maybeInts,
  scan_output_axes: maybeInts,
  scan_output_directions: maybeInts,
};

/** The first version scans each sample of a batch separately. */
function scanBatch(call: Call<ScanAttributes & { readonly directions: readonly number[] | undefined }>): Output[] {
  const values = call.inputs.slice(1).map((_, place) => call.value(place + 1));
  const batch = at(at(values, 0).shape, 0);
  const directions = call.attributes.directions;
  const attributes = { ...call.attributes, scan_input_directions: directions };
  const perSample = Array.from({ length: batch }, (_, sample) =>
    scan(
      Object.assign(Object.create(call), { attributes }),
      values.map((value) => TensorValue.of(value.tensor.select(0, sample), value.type)),
    ),
  );
  return at(perSample, 0).map((_, place) =>
    stacked(
      call,
      perSample.map((outputs) => {
        const output = outputs[place];
        if (!(output instanceof TensorValue)) throw call.fail("it scans only tensors");
        return output;
      }),
    ),
  );
}

/** The index of an item, counted from the end if negative. */
function itemPlace(call: Call<unknown>, length: number, place: number, end: number): number {
  const from = place < 0 ? place + length : place;
  if (!(from >= 0 && from < length + end)) throw call.fail(`there is no item ${place} in a sequence of ${length}`);
  return from;
}

function splitToSequence(call: Call<{ readonly axis: number; readonly keepdims: number }>): SequenceValue {
  const value = call.value(0);
  const axis = call.axis(call.attributes.axis, value.rank);
  const size = at(value.shape, axis);
  const given = call.maybeValue(1);
  const host = given === undefined ? undefined : call.numbers(1);
  const one = given?.rank === 0 ? at(host ?? [], 0) : 1;
  if (!(one > 0)) throw call.fail(`a part has ${one} elements; it needs at least 1`);
  const parts =
    host !== undefined && given?.rank !== 0
      ? host
      : Array.from({ length: Math.ceil(size / one) }, (_, place) => Math.min(one, size - place * one));
  let start = 0;
  return sequence(
    parts.map((part) => {
      start += part;
      const piece = value.tensor.narrow(axis, start - part, part);
      return typed(given === undefined && call.attributes.keepdims === 0 ? piece.squeeze(axis) : piece, value.type);
    }),
  );
}

export const control: Operators = {
  If: rule(
    { then_branch: graph, else_branch: graph },
    (call) => {
      const condition = call.value(0);
      if (!condition.readable) return bothBranches(call, condition.tensor);
      return call.graph.run(call.number(0) !== 0 ? call.attributes.then_branch : call.attributes.else_branch, []);
    },
    { varies: true },
  ),
  Loop: rule({ body: graph }, loop, { varies: true, fixed: [0] }),
  Scan: {
    since: {
      8: rule(scanKinds, scanBatch, { varies: true }),
      9: rule(
        scanKinds,
        (call) =>
          scan(
            call,
            call.inputs.map((_, place) => call.any(place)),
          ),
        { varies: true },
      ),
    },
  },
  SequenceEmpty: rule({ dtype: maybeInt }, () => sequence([])),
  SequenceConstruct: rule({}, (call) => sequence(call.inputs.map((_, place) => call.any(place)))),
  SequenceInsert: rule({}, (call) => {
    const { items } = call.sequence(0);
    const place = itemPlace(call, items.length, call.maybeNumber(2) ?? items.length, 1);
    return sequence([...items.slice(0, place), call.any(1), ...items.slice(place)]);
  }),
  SequenceErase: rule({}, (call) => {
    const { items } = call.sequence(0);
    const place = itemPlace(call, items.length, call.maybeNumber(1) ?? items.length - 1, 0);
    return sequence(items.filter((_, one) => one !== place));
  }),
  SequenceAt: rule({}, (call) => {
    const { items } = call.sequence(0);
    return items[itemPlace(call, items.length, call.number(1), 0)];
  }),
  SequenceLength: rule({}, (call) => TensorValue.known([call.sequence(0).items.length], [], "int64")),
  ConcatFromSequence: rule({ axis: int(), new_axis: int(0) }, (call) => {
    const tensors = call.sequence(0).items.map((item) => {
      if (item.kind !== "tensor") throw call.fail("only tensors are joined");
      return item;
    });
    const [first] = tensors;
    if (first === undefined) throw call.fail("an empty sequence has nothing to join");
    const extra = call.attributes.new_axis;
    const axis = call.axis(call.attributes.axis, first.rank + extra);
    const list = tensors.map((value) => value.tensor);
    return typed(extra === 1 ? stack(list, axis) : cat(list, axis), first.type);
  }),
  SplitToSequence: rule({ axis: int(0), keepdims: int(1) }, splitToSequence, { fixed: [1] }),
  SequenceMap: rule(
    { body: graph },
    (call) => {
      const { items } = call.sequence(0);
      const others = call.inputs.slice(1).map((_, place) => call.any(place + 1));
      const results = items.map((item, place) =>
        call.graph.run(call.attributes.body, [
          item,
          ...others.map((other) => (other.kind === "sequence" ? at(other.items, place) : other)),
        ]),
      );
      return call.outputs.map((_, place) => sequence(results.map((values) => at(values, place))));
    },
    { varies: true },
  ),
  Optional: rule({ type: maybeType }, (call) => (call.has(0) ? call.any(0) : nothing)),
  OptionalHasElement: rule({}, (call) =>
    TensorValue.known([call.has(0) && call.any(0).kind !== "nothing" ? 1 : 0], [], "bool"),
  ),
  OptionalGetElement: rule({}, (call) => {
    const value = call.any(0);
    if (value.kind === "nothing") throw new HebbError(`${call.where}: the optional is empty`);
    return value;
  }),
};
