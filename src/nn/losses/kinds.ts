// The kinds of all loss options, for the modules that check them on construction.
export {
  bceKinds,
  bceWithLogitsKinds,
  crossEntropyKinds,
  focalKinds,
  klDivKinds,
  nllKinds,
} from "./classification.ts";
export { marginKinds, tripletDistanceKinds, tripletKinds } from "./margins.ts";
export { multilabelSoftMarginKinds, multiMarginKinds } from "./multi.ts";
export { lossKinds } from "./reduction.ts";
export { gaussianNllKinds, huberKinds, poissonNllKinds, smoothL1Kinds } from "./regression.ts";
