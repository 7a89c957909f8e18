// LSTM, GRU and RNN: one loop over time per direction.
import { at } from "../../../graph/at.ts";
import { functional } from "../../../nn/index.ts";
import { arange, scan, stack, type Tensor, where, zeros } from "../../../tensor/index.ts";
import { float, int, maybeFloats, maybeInt, maybeStrings, string } from "./attributes.ts";
import { type Call, type Operators, type Output, rule } from "./rule.ts";
import { reversed } from "./shape.ts";

const kinds = {
  activation_alpha: maybeFloats,
  activation_beta: maybeFloats,
  activations: maybeStrings,
  clip: float(0),
  direction: string("forward"),
  hidden_size: maybeInt,
  layout: int(0),
  output_sequence: int(0),
};
interface Attributes {
  readonly activation_alpha: readonly number[] | undefined;
  readonly activation_beta: readonly number[] | undefined;
  readonly activations: readonly string[] | undefined;
  readonly clip: number;
  readonly direction: string;
  readonly hidden_size: number | undefined;
  readonly layout: number;
}
type Function = (x: Tensor) => Tensor;

function activation(call: Call<unknown>, name: string, alpha: number | undefined, beta: number | undefined): Function {
  switch (name.toLowerCase()) {
    case "relu":
      return (x) => x.relu();
    case "tanh":
      return (x) => x.tanh();
    case "sigmoid":
      return (x) => x.sigmoid();
    case "affine":
      return (x) => x.mul(alpha ?? 1).add(beta ?? 0);
    case "leakyrelu":
      return (x) => functional.leakyRelu(x, alpha ?? 0.01);
    case "thresholdedrelu":
      return (x) => functional.threshold(x, alpha ?? 1, 0);
    case "scaledtanh":
      return (x) =>
        x
          .mul(beta ?? 1)
          .tanh()
          .mul(alpha ?? 1);
    case "hardsigmoid":
      return (x) =>
        x
          .mul(alpha ?? 0.2)
          .add(beta ?? 0.5)
          .clamp(0, 1);
    case "elu":
      return (x) => functional.elu(x, alpha ?? 1);
    case "softsign":
      return (x) => functional.softsign(x);
    case "softplus":
      return (x) => functional.softplus(x);
    default:
      throw call.fail(`the activation ${JSON.stringify(name)} is not known`);
  }
}

/** One direction: the inputs of its steps. */
interface Direction {
  /** x·Wᵀ with the input bias, for all steps: [T, B, gates · H]. */
  readonly inputs: Tensor;
  /** Rᵀ: [H, gates · H]. */
  readonly recurrence: Tensor;
  /** The recurrent bias: [gates · H]. */
  readonly bias: Tensor | undefined;
  /** The peepholes: [3 · H]. */
  readonly peepholes: Tensor | undefined;
  readonly activations: readonly Function[];
  readonly hidden: number;
  readonly clip: Function;
}
/** Computes the next states; the first one is the output. */
type Step = (direction: Direction, x: Tensor, states: readonly Tensor[]) => Tensor[];

interface Cell {
  readonly name: string;
  readonly gates: number;
  readonly defaults: readonly string[];
  /** The indices of the inputs with the initial states. */
  readonly states: readonly number[];
  readonly step: Step;
}

const gate = (x: Tensor, place: number, hidden: number): Tensor => x.narrow(1, place * hidden, hidden);
const peep = (direction: Direction, place: number, c: Tensor): Tensor | number =>
  direction.peepholes === undefined
    ? 0
    : c.mul(direction.peepholes.narrow(0, place * direction.hidden, direction.hidden));

/** Runs the steps of one direction. Samples that have ended keep their states and output zeros. */
function unroll(
  cell: Cell,
  direction: Direction,
  initial: readonly Tensor[],
  lengths: Tensor | undefined,
): { outputs: Tensor; states: readonly Tensor[] } {
  const steps = at(direction.inputs.shape, 0);
  const times = arange(steps).reshape(steps, 1);
  const [states, outputs] = scan(
    (carried: readonly Tensor[], row: { readonly x: Tensor; readonly time: Tensor }) => {
      const next = cell.step(direction, row.x, carried);
      if (lengths === undefined) return [next, at(next, 0)] as const;
      const goes = lengths.gt(row.time).unsqueeze(1);
      const kept = next.map((state, place) => where(goes, state, at(carried, place)).to(state.dtype));
      return [kept, where(goes, at(next, 0), 0).to(at(next, 0).dtype)] as const;
    },
    [...initial],
    { x: direction.inputs, time: times },
  );
  return { outputs, states };
}

function recurrent(call: Call<Attributes>, cell: Cell): Output[] {
  const { attributes: a } = call;
  // Time first, as the steps require.
  const x = a.layout === 1 ? call.tensor(0).transpose(0, 1) : call.tensor(0);
  const [weights, recurrences] = [call.tensor(1), call.tensor(2)];
  const [steps, batch] = [at(x.shape, 0), at(x.shape, 1)];
  const hidden = at(recurrences.shape, 2);
  const count = a.direction === "bidirectional" ? 2 : 1;
  if (at(weights.shape, 0) !== count || at(weights.shape, 1) !== cell.gates * hidden)
    throw call.fail(
      `weights [${weights.shape.join(", ")}] are not those of ${count} directions of ${cell.gates} gates of ${hidden}`,
    );
  const lengths = call.maybe(4)?.to("int32");
  const names = a.activations ?? Array.from({ length: count }, () => cell.defaults).flat();
  const clip: Function = a.clip > 0 ? (t) => t.clamp(-a.clip, a.clip) : (t) => t;
  const results = Array.from({ length: count }, (_, side) => {
    const backward = a.direction === "reverse" || side === 1;
    const turn = (t: Tensor): Tensor =>
      !backward ? t : lengths === undefined ? t.flip(0) : reversed(t, lengths, 0, 1);
    const bias = call.maybe(3)?.select(0, side);
    const wide = cell.gates * hidden;
    const product = turn(x).matmul(weights.select(0, side).t());
    const own = cell.defaults.length;
    const direction: Direction = {
      inputs: bias === undefined ? product : product.add(bias.narrow(0, 0, wide)),
      recurrence: recurrences.select(0, side).t(),
      bias: bias?.narrow(0, wide, wide),
      peepholes: cell.name === "LSTM" ? call.maybe(7)?.select(0, side) : undefined,
      activations: names
        .slice(side * own, (side + 1) * own)
        .map((name, place) =>
          activation(call, name, a.activation_alpha?.[side * own + place], a.activation_beta?.[side * own + place]),
        ),
      hidden,
      clip,
    };
    const initial = cell.states.map((place) => {
      const given = call.maybe(place);
      if (given === undefined) return zeros([batch, hidden]).to(x.dtype);
      return (a.layout === 1 ? given.transpose(0, 1) : given).select(0, side);
    });
    const { outputs, states } = unroll(cell, direction, initial, lengths);
    return { outputs: turn(outputs), states };
  });
  const all = stack(
    results.map(({ outputs }) => outputs),
    1,
  );
  const finals = cell.states.map((_, place) =>
    stack(
      results.map(({ states }) => at(states, place)),
      a.layout === 1 ? 1 : 0,
    ),
  );
  const ordered = a.layout === 1 ? all.permute(2, 0, 1, 3) : all;
  if (steps === 0) throw call.fail("a sequence of no steps has no output");
  return [ordered, ...finals];
}

const withBias = (product: Tensor, bias: Tensor | undefined): Tensor =>
  bias === undefined ? product : product.add(bias);

const rnn: Cell = {
  name: "RNN",
  gates: 1,
  defaults: ["Tanh"],
  states: [5],
  step: (d, x, states) => [at(d.activations, 0)(d.clip(x.add(withBias(at(states, 0).matmul(d.recurrence), d.bias))))],
};

/** Gates in the order i, o, f, c. */
const lstm = (forgetByInput: boolean): Cell => ({
  name: "LSTM",
  gates: 4,
  defaults: ["Sigmoid", "Tanh", "Tanh"],
  states: [5, 6],
  step: (d, x, states) => {
    const [h, c] = [at(states, 0), at(states, 1)];
    const sums = x.add(withBias(h.matmul(d.recurrence), d.bias));
    const [f, g, out] = [at(d.activations, 0), at(d.activations, 1), at(d.activations, 2)];
    const input = f(d.clip(gate(sums, 0, d.hidden).add(peep(d, 0, c))));
    const forget = forgetByInput ? input.neg().add(1) : f(d.clip(gate(sums, 2, d.hidden).add(peep(d, 2, c))));
    const next = forget.mul(c).add(input.mul(g(d.clip(gate(sums, 3, d.hidden)))));
    const open = f(d.clip(gate(sums, 1, d.hidden).add(peep(d, 1, next))));
    return [open.mul(out(next)), next];
  },
});

/** Gates in the order z, r, h. */
const gru = (linearBeforeReset: boolean): Cell => ({
  name: "GRU",
  gates: 3,
  defaults: ["Sigmoid", "Tanh"],
  states: [5],
  step: (d, x, states) => {
    const h = at(states, 0);
    const { hidden, recurrence, bias } = d;
    const [f, g] = [at(d.activations, 0), at(d.activations, 1)];
    const gates = withBias(h.matmul(recurrence.narrow(1, 0, 2 * hidden)), bias?.narrow(0, 0, 2 * hidden));
    const update = f(d.clip(gate(x, 0, hidden).add(gate(gates, 0, hidden))));
    const reset = f(d.clip(gate(x, 1, hidden).add(gate(gates, 1, hidden))));
    const last = recurrence.narrow(1, 2 * hidden, hidden);
    const lastBias = bias?.narrow(0, 2 * hidden, hidden);
    const memory = linearBeforeReset
      ? reset.mul(withBias(h.matmul(last), lastBias))
      : withBias(reset.mul(h).matmul(last), lastBias);
    const candidate = g(d.clip(gate(x, 2, hidden).add(memory)));
    return [update.neg().add(1).mul(candidate).add(update.mul(h))];
  },
});

export const recurrences: Operators = {
  RNN: rule(kinds, (call) => recurrent(call, rnn), { fixed: [4] }),
  LSTM: rule({ ...kinds, input_forget: int(0) }, (call) => recurrent(call, lstm(call.attributes.input_forget === 1)), {
    fixed: [4],
  }),
  GRU: rule(
    { ...kinds, linear_before_reset: int(0) },
    (call) => recurrent(call, gru(call.attributes.linear_before_reset === 1)),
    { fixed: [4] },
  ),
};
