// The message and exit code of a failure: one sentence, or the same as JSON with --json.
import { CommanderError } from "commander";
import { errorCode, reasonFor } from "../formats/atomic.ts";
import { HebbError } from "../graph/errors.ts";
import { err, out, outputFailure } from "./output.ts";

const usageError = 2;

interface Failure {
  readonly message: string;
  readonly exitCode: number;
  /** Whether it was already reported. */
  readonly told?: boolean;
  /** The stack, only for bugs of hebb. */
  readonly stack?: string;
}

/** Messages of JavaScript engines for allocation failures. */
const outOfMemory = /allocation failed|out of memory|Invalid (typed array|array buffer|string|array) length/i;

function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError)
    return {
      message: error.message.replace(/^error: /, ""),
      exitCode: error.exitCode === 0 ? 0 : usageError,
      told: true,
    };
  if (error instanceof HebbError) return { message: error.message, exitCode: 1 };
  const message = error instanceof Error ? error.message : String(error);
  if (errorCode(error) !== "" && error instanceof Error && "syscall" in error) {
    const path = "path" in error && typeof error.path === "string" ? error.path : "a file";
    return { message: `${path} cannot be used: ${reasonFor(error)}`, exitCode: 1 };
  }
  if (error instanceof RangeError && outOfMemory.test(message))
    return {
      message: `there is not enough memory (${message}); use fewer rows, or a smaller network or batch`,
      exitCode: 1,
    };
  const stack = error instanceof Error ? error.stack : undefined;
  return {
    message: `internal error in hebb: ${message}`,
    exitCode: 1,
    ...(stack === undefined ? {} : { stack }),
  };
}

/** Reports a failure and returns the exit code. */
export function tellFailure(error: unknown, json: boolean): number {
  const { message, exitCode, told, stack } = failureOf(error);
  if (exitCode === 0) return 0;
  if (json) out.json({ type: "error", message, exitCode });
  if (told !== true) err.line(`hebb: ${message}`);
  // A stack has many lines, and none of them comes from a file.
  if (stack !== undefined) err.line(...stack.split("\n").slice(1));
  return exitCode;
}

/** Reports, when the process ends, that the output did not accept everything. */
export function tellOutputFailure(): void {
  const failure = outputFailure();
  if (failure === undefined) return;
  err.line(`hebb: the output could not be written completely: ${reasonFor(failure)}`);
  process.exitCode ||= 1;
}
