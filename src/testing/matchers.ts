// toBeCloseToTensor for the expect of Vitest and of Jest: expect.extend(tensorMatchers).
import { type ClosenessOptions, differences, listed, type TensorTree } from "./close.ts";

/** The result of a matcher, in both runners. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

export const tensorMatchers: {
  toBeCloseToTensor(received: unknown, expected: TensorTree, options?: ClosenessOptions): MatcherResult;
} = {
  toBeCloseToTensor(received, expected, options) {
    const found = differences(received, expected, options);
    const pass = found.length === 0;
    return {
      pass,
      message: () =>
        pass ? "expected tensors that are not close, but they are" : `tensors are not close: ${listed(found)}`,
    };
  },
};

/** Extends the types of expect: `interface Matchers<T> extends TensorMatchers<T> {}` in the runner's module. */
export interface TensorMatchers<R = unknown> {
  /** Each number is within atol + rtol · |expected|, as in torch.testing.assert_close. Also for trees such as state dicts. */
  toBeCloseToTensor(expected: TensorTree, options?: ClosenessOptions): R;
}
