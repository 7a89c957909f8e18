// The building blocks of updates: decay, moving averages and bias correction, as tensor arithmetic.
import { type Operand, type State, Tensor } from "../tensor/index.ts";

/** A scalar of the graph in the parameter's dtype: scalars are computed in float64 and rounded once, here. */
export const scalar = (value: Operand, like: Tensor): Operand =>
  value instanceof Tensor ? value.to(like.dtype) : value;

/** 1 − value. */
export const complement = (value: Operand): Operand => (value instanceof Tensor ? value.neg().add(1) : 1 - value);

/** Whether a number is 0 and stays 0; a cell may change. */
export const isZero = (value: Operand): boolean => value === 0;

/** grad + weightDecay · parameter: L2 regularisation. */
export const withDecay = (parameter: Tensor, grad: Tensor, weightDecay: Operand): Tensor =>
  isZero(weightDecay) ? grad : grad.add(parameter.mul(scalar(weightDecay, parameter)));

/** parameter · (1 − lr · weightDecay): decoupled weight decay (Loshchilov and Hutter 2019). */
export function decoupledDecay(parameter: Tensor, lr: Tensor, weightDecay: Operand): Tensor {
  if (isZero(weightDecay)) return parameter;
  return parameter.mul(scalar(lr.mul(weightDecay).neg().add(1), parameter));
}

/** Moves a slot to slot + (1 − beta)(value − slot), and returns the new value. */
export function movingAverage(slot: State, value: Tensor, beta: Operand): Tensor {
  const next = slot.add(value.sub(slot).mul(scalar(complement(beta), value)));
  slot.assign(next);
  return next;
}

/** Moves a slot to beta·slot + (1 − beta)·value², and returns the new value. */
export function movingSquare(slot: State, value: Tensor, beta: Operand): Tensor {
  const next = slot.mul(scalar(beta, value)).add(value.mul(value).mul(scalar(complement(beta), value)));
  slot.assign(next);
  return next;
}

/** 1 − beta^step: the bias correction of an average that started at zero. float64. */
export const biasCorrection = (beta: Operand, step: Tensor): Tensor =>
  step
    .mul(typeof beta === "number" ? Math.log(beta) : beta.log())
    .expm1()
    .neg();
