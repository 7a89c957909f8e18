// Parameters as one vector and back, and the total norm of several tensors.
import { HebbError, ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions } from "../../graph/options.ts";
import { formatShape } from "../../graph/shape.ts";
import { given, givenList } from "../../tensor/arguments.ts";
import { cat, Parameter, stack, Tensor } from "../../tensor/index.ts";
import { onOneDevice } from "../../tensor/placement.ts";

function listed(where: string, parameters: Iterable<Parameter>): Parameter[] {
  if (typeof parameters !== "object" || parameters === null || !(Symbol.iterator in parameters))
    throw new HebbError(`${where}: takes parameters, got ${kind.describe(parameters)}; give model.parameters()`);
  const list = [...parameters];
  const odd = list.find((parameter) => !(parameter instanceof Parameter));
  if (odd !== undefined || list.length === 0)
    throw new HebbError(
      `${where}: takes a list of parameters, such as model.parameters(), got ${list.length === 0 ? "none" : kind.describe(odd)}`,
    );
  return list;
}

/** All values as one vector, in the order of the parameters. Source: torch.nn.utils.parameters_to_vector. */
export const parametersToVector = (parameters: Iterable<Parameter>): Tensor =>
  cat(listed("parametersToVector", parameters).map((parameter) => parameter.reshape([-1])));

/** Assigns the parts of a vector to the parameters, in their order. Source: torch.nn.utils.vector_to_parameters. */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Parameter>): void {
  given("vectorToParameters", vector, "the vector");
  const list = listed("vectorToParameters", parameters);
  const size = list.reduce((sum, parameter) => sum + parameter.size, 0);
  if (vector.rank !== 1 || vector.size !== size)
    throw new ShapeError(`vectorToParameters: the parameters need [${size}] values, got ${formatShape(vector.shape)}`);
  const values = vector.detach();
  let end = 0;
  for (const parameter of list) {
    parameter.assign(values.slice(0, end, end + parameter.size).reshape(parameter.shape));
    end += parameter.size;
  }
}

/** The norm of several tensors, such as gradients, as if they were one vector. Default normType 2. Source: torch.nn.utils.get_total_norm. */
export function getTotalNorm(tensors: readonly Tensor[], options: { readonly normType?: number } = {}): Tensor {
  const list = givenList("getTotalNorm", tensors);
  const { normType = 2 } = checkOptions("getTotalNorm", options, { normType: kind.number });
  if (list.length === 0) throw new HebbError("getTotalNorm: the list of tensors is empty");
  const norms = onOneDevice(list.map((value) => value.norm(normType).node));
  return stack(norms.map((norm) => Tensor.of(norm))).norm(normType);
}
