// Where the scan of the methods beyond the basic ones expects a result other than PyTorch's, and why.
import type { OnPurpose } from "./exceptions.ts";

const scatters = ["scatterReduce", "indexReduce"];

export const methodExceptions: readonly OnPurpose[] = [
  {
    names: ["digamma"],
    kinds: /±1e4/,
    because: "at a pole the slope is infinite; PyTorch's is what the rounding of π leaves",
  },
  {
    names: ["i0", "polygamma"],
    kinds: /infinit|∞/,
    because: "the limits at infinity, where PyTorch multiplies 0 by ∞",
  },
  {
    names: ["floorDivide"],
    kinds: /infinit|∞/,
    because: "as for remainder: ⌊x / ∞⌋ is 0 here, −1 for signs that differ in PyTorch",
  },
  { names: ["ldexp"], kinds: /int32/, because: "PyTorch's 2 to a negative whole number is a whole number, 0" },
  {
    names: ["copysign"],
    kinds: /NaN|infinit|∞/,
    because: "the slope of |x| is that of the sign; PyTorch divides the result by x, ∞ / ∞",
  },
  {
    names: ["isclose", "allclose"],
    kinds: /int32|uint8/,
    because: "ours promotes, as comparisons do; PyTorch refuses dtypes that differ",
  },
  { names: ["nanmean"], kinds: /all NaN/, because: "no element has a part in it, so that none has a slope" },
  { names: ["norm", "renorm"], kinds: /NaN/, because: "the length is NaN, and so is its slope, as that of amax" },
  { names: ["nanmedian"], kinds: /all NaN/, because: "of several NaNs ours takes the first" },
  {
    names: ["quantile", "nanquantile"],
    kinds: /infinit|∞/,
    because: "between equal infinities there is nothing to go, and ∞ · 0 is no number: ours is the infinity",
  },
  { names: ["kthvalue"], kinds: /zeros|ties|NaN|∞|1e/, because: "of equal values ours takes the kth, PyTorch any" },
  {
    names: ["histc"],
    kinds: /NaN|infinit|∞/,
    because: "the range is known only when the program runs; values outside every part count in none",
  },
  {
    names: ["corrcoef"],
    kinds: /zeros|ties/,
    because: "0 / 0 is NaN in both; its slope is 0 here, where the limits at ±1 stop it",
  },
  {
    names: ["cumprod", ...scatters],
    kinds: /NaN|infinit|∞|1e4/,
    because: "as for prod: ours is the product of the other factors, PyTorch divides by each",
  },
  {
    names: ["logcumsumexp"],
    kinds: /infinit|∞/,
    because: "the weights of equal infinities are shares of 1; PyTorch's are NaN",
  },
  {
    names: ["scatter", ...scatters],
    kinds: /no elements/,
    because: "an index of no elements takes nothing of the source, which PyTorch cannot derive",
  },
  {
    names: ["uniqueSync"],
    kinds: /NaN|no rows/,
    because: "a slice with a NaN comes after those without; slices of no elements are equal",
  },
];
