// Calls by the names in the figures: "x.sum" is a method of the first input, "F.mse" of nn.functional, otherwise an export; { $: 1 } is the second
// input.
import * as hebb from "../../src/index.ts";

export type Argument = number | string | boolean | null | readonly Argument[] | { readonly [option: string]: Argument };

const isTree = (value: Argument): value is { readonly [option: string]: Argument } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Arguments with tensors in place of `{ $: number }`. */
function passed(value: Argument, inputs: readonly hebb.Tensor[]): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return (value as readonly Argument[]).map((part) => passed(part, inputs));
  if (!isTree(value)) return value;
  const { $: place } = value;
  if (typeof place === "number") return inputs[place];
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, passed(part, inputs)]));
}

const { linalg } = hebb;
const symmetric = (x: hebb.Tensor): hebb.Tensor => x.add(x.mT).div(2);

/** Calls whose results are not unique, such as the signs of vectors; they are made unique before they are compared. */
const own = {
  cholesky: (x: hebb.Tensor, upper: boolean) => linalg.cholesky(symmetric(x), { upper }),
  lstsq: (a: hebb.Tensor, b: hebb.Tensor, driver: "gelsy" | "gels") => linalg.lstsq(a, b, { driver }).solution,
  eigvalsh: (x: hebb.Tensor, uplo: "L" | "U") => linalg.eigvalsh(symmetric(x), uplo),
  eigh: (x: hebb.Tensor, uplo: "L" | "U") => {
    const { eigenvalues, eigenvectors } = linalg.eigh(symmetric(x), uplo);
    return [eigenvalues, eigenvectors.square()];
  },
  svd: (x: hebb.Tensor, fullMatrices: boolean) => {
    const { U, S, Vh } = linalg.svd(x, { fullMatrices });
    const first = U.slice(-2, 0, 1);
    const signs = first.mul(0).sub(1).where(first.lt(0), 1).detach();
    return [U.mul(signs), S, Vh.mul(signs.mT)];
  },
  pinvh: (x: hebb.Tensor) => linalg.pinv(x.add(x.mT), { hermitian: true }),
};
const rooms: Readonly<Record<string, object>> = { "": hebb, F: hebb.nn.functional, fft: hebb.fft, linalg, own };

/** The results of the call; several are in the order of their properties. */
export function called(call: string, args: readonly Argument[], inputs: readonly hebb.Tensor[]): hebb.Tensor[] {
  const [room, name = call] = call.includes(".") ? call.split(".") : ["", call];
  const owner: object | undefined = room === "x" ? inputs[0] : rooms[room ?? ""];
  const fn: unknown = Reflect.get(owner ?? {}, name);
  if (typeof fn !== "function") throw new Error(`there is no ${call}`);
  const result: unknown = Reflect.apply(
    fn,
    owner,
    args.map((each) => passed(each, inputs)),
  );
  return result instanceof hebb.Tensor ? [result] : Object.values(result as Record<string, hebb.Tensor>);
}
