// fft: discrete Fourier transforms of any length, along one dim or several (torch.fft). A complex tensor has its real and imaginary parts in a last
// dim of 2, as in torch.view_as_real. Dims are counted without it, so -1 is the last dim of the numbers.
import { HebbError, ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape, normalizeAxis } from "../../graph/shape.ts";
import { given } from "../arguments.ts";
import { type CreationOptions, tensor } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
import { complexAlong, halfAlong, type Norm, realAlong } from "./along.ts";
import type { Sign } from "./planes.ts";

export interface FftOptions {
  /** The length: the input is cropped or zero-padded to it. Default: the size of the dim; for irfft and hfft 2 · (size − 1). */
  readonly n?: number;
  /** Default: the last. */
  readonly dim?: number;
  /**
   * Which transform is divided by the length n: "backward" the inverse, "forward" the forward one; "ortho" divides both by √n. Default "backward".
   */
  readonly norm?: Norm;
}

export interface FftnOptions {
  /** The length along each dim. Default: the sizes of the input. */
  readonly s?: readonly number[];
  /** Default: the last ones, as many as `s` has, or all; for functions in two dims, the last two. */
  readonly dim?: readonly number[];
  /** As for one dim, for all of them together. */
  readonly norm?: Norm;
}

const normKind = kind.oneOf("backward", "ortho", "forward");
const oneKinds: OptionKinds<FftOptions> = { n: kind.number, dim: kind.number, norm: normKind };
const manyKinds: OptionKinds<FftnOptions> = { s: kind.numbers, dim: kind.numbers, norm: normKind };

type Along = (x: Tensor, sign: Sign, how: Parameters<typeof complexAlong>[2]) => Tensor;

const one =
  (where: string, along: Along, sign: Sign) =>
  (x: Tensor, options: FftOptions = {}): Tensor => {
    const { n, dim = -1, norm = "backward" } = checkOptions(where, options, oneKinds);
    return along(given(where, x), sign, { where, n, dim, norm });
  };

/** X[k] = Σⱼ x[j] e^(−2πi jk / n) of complex numbers (torch.fft.fft). */
export const fft = one("fft", complexAlong, -1);
/** x[j] = 1/n Σₖ X[k] e^(2πi jk / n) (torch.fft.ifft). */
export const ifft = one("ifft", complexAlong, 1);
/** Transforms real numbers [..., n] → [..., ⌊n/2⌋ + 1, 2]: the omitted half is the mirror image (torch.fft.rfft). */
export const rfft = one("rfft", realAlong, -1);
/** Transforms half a spectrum [..., ⌊n/2⌋ + 1, 2] → real numbers [..., n] (torch.fft.irfft). */
export const irfft = one("irfft", halfAlong, 1);
/** Transforms half of a Hermitian sequence → its real spectrum (torch.fft.hfft). */
export const hfft = one("hfft", halfAlong, -1);
/** The inverse of hfft (torch.fft.ihfft). */
export const ihfft = one("ihfft", realAlong, 1);

/** A transform along several dims: `last` runs along the last of them and may handle real numbers; the others are complex. */
interface Several {
  readonly sign: Sign;
  readonly last: Along;
  /** What `last` takes and gives: "real" numbers have no dim of 2. */
  readonly takes: "real" | "complex";
  readonly gives: "real" | "complex";
}

function several(
  where: string,
  x: Tensor,
  { s, dim, norm = "backward" }: FftnOptions,
  { sign, last, takes, gives }: Several,
): Tensor {
  const rank = given(where, x).rank - (takes === "complex" ? 1 : 0);
  const count = s?.length ?? Math.max(0, rank);
  const dims = (dim ?? Array.from({ length: count }, (_, k) => k - count)).map((axis) =>
    normalizeAxis(axis, rank, where),
  );
  if (new Set(dims).size < dims.length)
    throw new ShapeError(`${where}: dims ${formatShape(dims)} of ${formatShape(x.shape)} name the same dim twice`);
  if (s !== undefined && s.length !== dims.length)
    throw new HebbError(`${where}: s has ${s.length} lengths for ${dims.length} dims; give one for each`);
  const places = [...dims.keys()];
  const end = places.pop();
  if (end === undefined) throw new ShapeError(`${where}: needs at least one dim to transform`);
  const step = (along: Along, value: Tensor, place: number): Tensor =>
    along(value, sign, { where, n: s?.[place] === -1 ? undefined : s?.[place], dim: dims[place] as number, norm });
  // Real input is transformed before the complex dims, real output after them.
  const early = gives === "complex";
  const begun = early ? step(last, x, end) : x;
  const complex = places.reduceRight((value, place) => step(complexAlong, value, place), begun);
  return early ? complex : step(last, complex, end);
}

const many =
  (where: string, how: Several) =>
  (x: Tensor, options: FftnOptions = {}): Tensor =>
    several(where, x, checkOptions(where, options, manyKinds), how);
/** In two dims. */
const two =
  (where: string, how: Several) =>
  (x: Tensor, options: FftnOptions = {}): Tensor => {
    const { dim = [-2, -1], ...others } = checkOptions(where, options, manyKinds);
    return several(where, x, { dim, ...others }, how);
  };

const forward: Several = { sign: -1, last: complexAlong, takes: "complex", gives: "complex" };
const inverse: Several = { ...forward, sign: 1 };
const fromReal: Several = { sign: -1, last: realAlong, takes: "real", gives: "complex" };
const toReal: Several = { sign: 1, last: halfAlong, takes: "complex", gives: "real" };

/** The transform along the last two dims (torch.fft.fft2). */
export const fft2 = two("fft2", forward);
/** Its inverse (torch.fft.ifft2). */
export const ifft2 = two("ifft2", inverse);
/** Transforms real numbers; omits the redundant half of the last dim (torch.fft.rfft2). */
export const rfft2 = two("rfft2", fromReal);
/** Its inverse (torch.fft.irfft2). */
export const irfft2 = two("irfft2", toReal);
/** Transforms a half spectrum → real numbers (torch.fft.hfft2). */
export const hfft2 = two("hfft2", { ...toReal, sign: -1 });
/** Its inverse (torch.fft.ihfft2). */
export const ihfft2 = two("ihfft2", { ...fromReal, sign: 1 });
/** The transform along several dims (torch.fft.fftn). */
export const fftn = many("fftn", forward);
/** Its inverse (torch.fft.ifftn). */
export const ifftn = many("ifftn", inverse);
/** Transforms real numbers; omits the redundant half of the last dim (torch.fft.rfftn). */
export const rfftn = many("rfftn", fromReal);
/** Its inverse (torch.fft.irfftn). */
export const irfftn = many("irfftn", toReal);
/** hfft2 along several dims (torch.fft.hfftn). */
export const hfftn = many("hfftn", { ...toReal, sign: -1 });
/** Its inverse (torch.fft.ihfftn). */
export const ihfftn = many("ihfftn", { ...fromReal, sign: 1 });

/** Cycle counts, first those from 0 on, then the negative ones, in units of 1 / (n · d). */
function frequencies(where: string, cycles: (n: number) => readonly number[]) {
  return (n: number, d = 1, options: CreationOptions = {}): Tensor => {
    if (!(Number.isInteger(n) && n >= 1))
      throw new HebbError(`${where}: n must be a whole number of at least 1, got ${kind.describe(n)}`);
    checkKind(where, "d", d, kind.number);
    return tensor(
      cycles(n).map((cycle) => cycle / (n * d)),
      options,
    );
  };
}
const count = (length: number, from = 0): number[] => Array.from({ length }, (_, k) => from + k);

/** The frequencies of the results of fft for samples `d` apart: 0, 1, …, −2, −1, divided by n · d (torch.fft.fftfreq). */
export const fftfreq = frequencies("fftfreq", (n) => [
  ...count(Math.ceil(n / 2)),
  ...count(Math.floor(n / 2), -Math.floor(n / 2)),
]);
/** The frequencies of the results of rfft: 0, 1, …, ⌊n/2⌋, divided by n · d (torch.fft.rfftfreq). */
export const rfftfreq = frequencies("rfftfreq", (n) => count(Math.floor(n / 2) + 1));

function shifted(
  where: string,
  x: Tensor,
  dim: number | readonly number[] | undefined,
  by: (extent: number) => number,
): Tensor {
  const { rank, shape } = given(where, x);
  if (dim !== undefined) checkKind(where, "dim", dim, kind.size);
  const dims = (dim === undefined ? [...shape.keys()] : typeof dim === "number" ? [dim] : dim).map((axis) =>
    normalizeAxis(axis, rank, where),
  );
  return dims.length === 0
    ? x
    : x.roll(
        dims.map((axis) => by(shape[axis] as number)),
        dims,
      );
}

/**
 * Shifts frequency 0 to the middle: rolls each dim by half its size. For complex numbers name the dims, or the parts are swapped too
 * (torch.fft.fftshift).
 */
export const fftshift = (x: Tensor, dim?: number | readonly number[]): Tensor =>
  shifted("fftshift", x, dim, (extent) => Math.floor(extent / 2));
/** The inverse of fftshift (torch.fft.ifftshift). */
export const ifftshift = (x: Tensor, dim?: number | readonly number[]): Tensor =>
  shifted("ifftshift", x, dim, (extent) => Math.ceil(extent / 2));
