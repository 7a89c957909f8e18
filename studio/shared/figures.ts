// The two metrics shown for a model on a data set.
export interface Figures {
  readonly loss: number;
  /** Accuracy for classes, R² for numbers. */
  readonly metric: number;
}
