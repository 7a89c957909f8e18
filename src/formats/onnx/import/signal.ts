// Fourier transforms.
import { at } from "../../../graph/at.ts";
import { fft, stack, type Tensor, zerosLike } from "../../../tensor/index.ts";
import { int } from "./attributes.ts";
import { windows } from "./nodes.ts";
import { type Call, type Operators, rule, versions } from "./rule.ts";

/** Adds the dim of size 2 that complex numbers have. */
const complexFrom = (real: Tensor): Tensor => stack([real, zerosLike(real)], real.rank);

function dft(call: Call<{ readonly inverse: number; readonly onesided: number }>, given: number): Tensor {
  const { inverse, onesided } = call.attributes;
  const x = call.tensor(0);
  const rank = x.rank - 1;
  const dim = call.axis(given < 0 ? given + x.rank : given, x.rank);
  if (dim >= rank) throw call.fail("the last dim holds the real and imaginary parts");
  const complex = at(x.shape, rank) === 2;
  const n = call.maybeNumber(1);
  const options = { dim, ...(n === undefined ? {} : { n }) };
  // A one-sided inverse has half of the values; the rest are their conjugates.
  if (inverse === 1 && onesided === 1)
    return fft.irfft(complex ? x : complexFrom(x.select(rank, 0)), options).unsqueeze(rank);
  if (onesided === 1 && !complex) return fft.rfft(x.select(rank, 0), options);
  const whole = (inverse === 1 ? fft.ifft : fft.fft)(complex ? x : complexFrom(x.select(rank, 0)), options);
  return onesided === 1 ? whole.narrow(dim, 0, Math.floor(at(whole.shape, dim) / 2) + 1) : whole;
}

export const signals: Operators = {
  DFT: versions({
    17: rule({ axis: int(1), inverse: int(0), onesided: int(0) }, (call) => dft(call, call.attributes.axis), {
      fixed: [1],
    }),
    20: rule({ inverse: int(0), onesided: int(0) }, (call) => dft(call, call.maybeNumber(2) ?? -2), { fixed: [1, 2] }),
  }),
  STFT: rule(
    { onesided: int(1) },
    (call) => {
      const x = call.tensor(0);
      const [step, window] = [call.number(1), call.maybe(2)];
      const length = call.maybeNumber(3) ?? window?.size;
      if (length === undefined) throw call.fail("it needs a window or a length of frames");
      const complex = x.rank === 3 && at(x.shape, 2) === 2;
      const frames = (t: Tensor): Tensor => {
        const cut = windows(t, { kernel: [length], stride: [step], dilation: [1] });
        return window === undefined ? cut : cut.mul(window);
      };
      const real = frames(x.rank === 3 ? x.select(2, 0) : x);
      const { onesided } = call.attributes;
      if (!complex && onesided === 1) return fft.rfft(real);
      const whole = fft.fft(complex ? stack([real, frames(x.select(2, 1))], 3) : complexFrom(real));
      return onesided === 1 ? whole.narrow(2, 0, Math.floor(length / 2) + 1) : whole;
    },
    { fixed: [1, 3] },
  ),
};
