// toBeCloseToTensor for the expect of Vitest and of Jest: expect.extend(tensorMatchers).
import { type ClosenessOptions, differences, listed, type TensorTree } from "./close.ts";

/** What a matcher gives, in both. */
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

/** For the types of expect: `interface Matchers<T> extends TensorMatchers<T> {}` in the module of the runner. */
export interface TensorMatchers<R = unknown> {
  /** Each number within atol + rtol · |expected|, as torch.testing.assert_close. Trees such as state dicts too. */
  toBeCloseToTensor(expected: TensorTree, options?: ClosenessOptions): R;
}
