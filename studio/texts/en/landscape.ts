// The loss landscape, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/compare/LandscapeView.tsx
export const landscape = "Landscape";
export const thereIsNoLandscapeYetLet =
  "There is no landscape yet: let the lanes run, with a network of up to 5000 weights.";
export const theLossAroundThe = (ways: Value) => `The loss around the ${ways}`;
export const waysOfLanes = (names: Value) => `ways of ${names} lanes`;
export const wayOf = (names: Value) => `way of ${names}`;
export const lossLandscape = "Loss landscape";
export const aTwoDimensionalSliceNoMore = (whose: Child, share: Child, low: Child, high: Child) =>
  rich`A two-dimensional slice, no more: the plane in which ${whose} moved most (${share} of the movement lies in it). Loss ${low} (orange) to ${high} (blue), logarithmic.`;
export const theLanes = "the lanes";
export const howItIsDrawn = "How it is drawn";
export const theWaysOfTheLanesIn = "The ways of the lanes in the plane";
export const lane = "lane";
export const beginsAt = "begins at";
export const endsAt = "ends at";
export const lengthOfItsWay = "length of its way";

// page/compare/ReliefView.tsx
export const lossLandscapeInThreeDimensionsThe =
  "Loss landscape in three dimensions: the arrow keys turn it, Home turns it back";
export const dragItOrUseTheArrow = "Drag it, or use the arrow keys, to turn it. Height is the logarithm of the loss.";
