// Muon: momentum orthogonalised by Newton–Schulz iteration, for the matrices of hidden layers.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { formatShape } from "../graph/shape.ts";
import type { Tensor } from "../tensor/index.ts";
import { decoupledDecay, movingAverage, scalar } from "./arithmetic.ts";
import { Optimizer, type UpdateContext } from "./optimizer.ts";
import { checkOption, commonKinds, type OptimizerKind, type OptionsOf } from "./optimizerOptions.ts";
import type { CommonOptions, Params } from "./parameterGroup.ts";

export interface MuonOptions extends CommonOptions {
  /** Decoupled weight decay. Default 0.1. */
  readonly weightDecay: number;
  /** Default 0.95. */
  readonly momentum: number;
  /** Use Nesterov momentum. Default true. */
  readonly nesterov: boolean;
  /** Coefficients of the quintic step. Default [3.4445, -4.775, 2.0315]. */
  readonly nsCoefficients: readonly number[];
  /** The minimum norm that the momentum is divided by. Default 1e-7. */
  readonly eps: number;
  /** Default 5. */
  readonly nsSteps: number;
  /** How the rate depends on the shape: "original" √max(1, rows / columns), "match_rms_adamw" 0.2 √max(rows, columns). */
  readonly adjustLrFn: "original" | "match_rms_adamw";
}

const muon: OptimizerKind<MuonOptions> = {
  name: "Muon",
  lr: 1e-3,
  defaults: {
    weightDecay: 0.1,
    momentum: 0.95,
    nesterov: true,
    nsCoefficients: [3.4445, -4.775, 2.0315],
    eps: 1e-7,
    nsSteps: 5,
    adjustLrFn: "original",
  },
  kinds: {
    ...commonKinds,
    weightDecay: kind.number,
    momentum: kind.number,
    nesterov: kind.boolean,
    nsCoefficients: kind.numbers,
    eps: kind.number,
    nsSteps: kind.number,
    adjustLrFn: kind.oneOf("original", "match_rms_adamw"),
  },
};

/**
 * m = momentum·m + (1 − momentum)·g; u = m, with Nesterov g + momentum·(m − g); p = (1 − lr·weightDecay)·p − lr′·(u orthogonalised). For matrices
 * only; other parameters need another optimizer. The steps run in the dtype of the parameter, where PyTorch uses bfloat16. Default lr 1e-3. Source:
 * torch.optim.Muon (Jordan et al. 2024).
 */
export class Muon extends Optimizer<MuonOptions> {
  constructor(params: Params<MuonOptions>, options: OptionsOf<MuonOptions> = {}) {
    super(params, options, muon);
  }

  protected override get elementwise(): boolean {
    return false;
  }

  protected override check({ momentum, weightDecay, eps, nsCoefficients, nsSteps }: MuonOptions): void {
    checkOption("Muon", "momentum", momentum, 0);
    checkOption("Muon", "weightDecay", weightDecay, 0);
    checkOption("Muon", "eps", eps, 0);
    if (nsCoefficients.length !== 3)
      throw new HebbError(`Muon: nsCoefficients must be three numbers, got ${formatShape(nsCoefficients)}`);
    if (!(Number.isInteger(nsSteps) && nsSteps >= 1 && nsSteps < 100))
      throw new HebbError(`Muon: nsSteps must be a whole number from 1 to 99, got ${nsSteps}`);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<MuonOptions>): Tensor {
    const [rows, columns] = parameter.shape;
    if (rows === undefined || columns === undefined || parameter.rank !== 2)
      throw new HebbError(
        `Muon: takes matrices, got a parameter of shape ${formatShape(parameter.shape)}; give it to another optimizer, such as AdamW`,
      );
    const { lr, options } = context;
    const momentum = scalar(context.option("momentum"), parameter);
    const velocity = movingAverage(context.slot("momentum_buffer"), grad, context.option("momentum"));
    const direction = options.nesterov ? grad.add(velocity.sub(grad).mul(momentum)) : velocity;
    const ratio =
      options.adjustLrFn === "original"
        ? Math.sqrt(Math.max(1, rows / columns))
        : 0.2 * Math.sqrt(Math.max(rows, columns));
    return decoupledDecay(parameter, lr, context.option("weightDecay")).sub(
      orthogonal(direction, options).mul(scalar(lr.mul(ratio), parameter)),
    );
  }
}

/** Maps U S Vᵀ to U S′ Vᵀ with singular values near 1: each step applies a polynomial to them. */
function orthogonal(matrix: Tensor, { nsCoefficients, nsSteps, eps }: MuonOptions): Tensor {
  const [rows = 0, columns = 0] = matrix.shape;
  const [a = 0, b = 0, c = 0] = nsCoefficients;
  let x = rows > columns ? matrix.T : matrix;
  x = x.div(x.norm().clamp(eps));
  for (let step = 0; step < nsSteps; step++) {
    const gram = x.mm(x.T);
    x = x.addmm(gram.addmm(gram, gram, { beta: b, alpha: c }), x, { beta: a });
  }
  return rows > columns ? x.T : x;
}
