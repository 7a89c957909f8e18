// The error for mistakes that the user can fix; it says what is wrong, with which values, and what to do.

/** A mistake in the request. The message is one sentence that says what is wrong, with which values, and what to do. */
export class HebbError extends Error {
  override readonly name: string = "HebbError";
}

/** Sizes or dtypes that do not fit an operation. */
export class ShapeError extends HebbError {
  override readonly name = "ShapeError";
}

/** A violated invariant inside the library: never the user's fault. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(`${message} (this is a bug in hebb: please report it with the program that caused it)`);
  }
}

/** Ends an exhaustive switch: the compiler proves it unreachable. */
export function unreachable(value: never): never {
  throw new InternalError(`unexpected ${JSON.stringify(value)}`);
}
