// The two figures that are shown of a model on some data.
export interface Figures {
  readonly loss: number;
  /** Accuracy for classes, R² for numbers. */
  readonly metric: number;
}
