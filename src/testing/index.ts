// The testing room: tensors compared by value in tests.
export { assertTensorsClose, type ClosenessOptions, type TensorTree } from "./close.ts";
export { type MatcherResult, type TensorMatchers, tensorMatchers } from "./matchers.ts";
