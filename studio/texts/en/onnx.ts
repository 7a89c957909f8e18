// What is said of ONNX files, in English.
import type { Value } from "../value.ts";

// engine/onnxNetwork.ts
export const thisPageShowsChainsOfDense = (part: Value, why: Value) =>
  `${part} ${why}. This page shows chains of dense layers and of 3 × 3 convolutions; hebb/onnx runs and trains every other network.`;
export const hasALayerOfUnitsAnd = (units: Value, mostUnits: Value) =>
  `has a layer of ${units} units, and the page draws up to ${mostUnits}`;
export const hasADenseLayerOfInputs = (inputs: Value, size: Value) =>
  `has a dense layer of ${inputs} inputs where ${size} arrive`;
export const hasAConvolutionWithAKernel = (shape: Value) =>
  `has a convolution with a kernel of [${shape}], other strides or other padding`;
export const hasAConvolutionAfterADense = "has a convolution after a dense layer";
export const beginsWithBeforeAnyLayer = (opType: Value) => `begins with ${opType}, before any layer`;
export const hasTwoActivationsOneAfterThe = "has two activations, one after the other";
export const multipliesTwoOfItsValues = "multiplies two of its values";
export const isNotAChainJoinsOr = (op: Value) => `is not a chain: ${op} joins or branches what flows through it`;
export const hasAGemmThatScalesIts = "has a Gemm that scales its operands, or without a stored weight";
export const multipliesBySomethingThatIsNot = "multiplies by something that is not a stored matrix";
export const addsSomethingThatIsNotThe = "adds something that is not the bias of a layer";
export const addsASecondBiasToA = "adds a second bias to a layer";
export const hasAConvolutionWithoutAStored = "has a convolution without a stored kernel";
export const poolsOtherwiseThanBySquaresOf = "pools otherwise than by squares of 2 × 2 after a convolution";
export const hasALeakyReluWithAnotherSlope = "has a LeakyRelu with another slope than 0.01";
export const hasAnEluWithAnotherThan = "has an Elu with another α than 1";
export const hasAHardSigmoidWithAnotherSlope = "has a HardSigmoid with another slope than 1/6";
export const clipsItsValuesTo = (low: Value, high: Value) => `clips its values to [${low}, ${high}]`;
export const hasTheOperator = (op: Value) => `has the operator ${op}`;
export const doesNotEndInADense = "does not end in a dense layer";
export const endsIn = (activation: Value) => `ends in ${activation}`;
export const givesMoreThanTheEndOf = "gives more than the end of its chain";
export const hasHiddenLayersAndThePage = (part: Value, mostLayers: Value) =>
  `has ${part} hidden layers, and the page draws up to ${mostLayers}`;
export const hasNoGraph = (name: Value) => `${name} has no graph`;
export const takesInputsThisPageShowsNetworks = (name: Value, open: Value) =>
  `${name} takes ${open} inputs; this page shows networks with one.`;
export const leavesTheShapeOfItsInputs = (name: Value) =>
  `${name} leaves the shape of its inputs open; export it with the number of inputs fixed.`;
export const hasAGemmWithItsInput = "has a Gemm with its input transposed";
