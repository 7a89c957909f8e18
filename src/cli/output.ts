// All output of the command, in one place, so that no text from a file reaches the terminal unescaped.
import { visible, withoutUnseen } from "../graph/visible.ts";

const codes = (char: string): string =>
  char
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");

/** JSON with control and invisible characters escaped, each unit as \u and four hexadecimal digits. It parses to the same value. */
export const visibleJson = (value: unknown): string => withoutUnseen(JSON.stringify(value), codes);

const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

/** The width of a line if it is unknown. */
const usualColumns = 80;

/** An output stream. Text is escaped; cursor movements have separate methods. */
export class Output {
  /** Whether it is a terminal, where the last line can be redrawn. */
  readonly terminal: boolean;
  readonly #send: (text: string) => void;
  /** Whether the last line is a bar that will be redrawn. */
  #bar = false;

  readonly #columns: () => number;

  constructor(send: (text: string) => void, terminal: boolean, columns: () => number = () => usualColumns) {
    this.#send = send;
    this.terminal = terminal;
    this.#columns = columns;
  }

  /** The number of characters that fit on a line. */
  get columns(): number {
    return this.#columns();
  }

  /** Writes lines. A line break inside one is escaped. */
  line(...lines: readonly string[]): void {
    this.clearBar();
    this.#send(lines.map((line) => `${visible(line)}\n`).join(""));
  }

  /** Writes a text of hebb's own with line breaks, such as help. */
  text(text: string): void {
    this.clearBar();
    this.#send(visibleLines(text));
  }

  /** Writes one line of JSON, with null for NaN and infinity. */
  json(value: unknown): void {
    this.#send(`${visibleJson(value)}\n`);
  }

  /** Writes data that a program may read: unchanged into a file or a pipe, escaped on a terminal. */
  data(text: string): void {
    this.#send(this.terminal ? visibleLines(text) : text);
  }

  /** Writes a last line that the next output replaces. */
  bar(text: string): void {
    this.clearBar();
    // A line that wraps could not be erased.
    const room = Math.max(1, this.columns - 1);
    const line = visible(text);
    this.#send(line.length > room ? `${line.slice(0, room - 1)}…` : line);
    this.#bar = true;
  }

  clearBar(): void {
    if (this.#bar) this.#send("\r\u001b[2K");
    this.#bar = false;
  }

  /** Replaces the last `replaced` lines. */
  frame(lines: readonly string[], replaced: number): void {
    if (replaced > 0) this.#send(`\u001b[${replaced}A\u001b[0J`);
    this.line(...lines);
  }

  cursor(shown: boolean): void {
    this.#send(shown ? "\u001b[?25h" : "\u001b[?25l");
  }
}

/** The standard output or error of the process. `failed` is called when it accepts no more data; later text is dropped. */
function standard(stream: NodeJS.WriteStream, failed: (error: Error) => void): Output {
  let works = true;
  const end = (error: Error): void => {
    if (works) failed(error);
    works = false;
  };
  stream.on("error", end);
  const send = (text: string): void => {
    if (!works) return;
    try {
      stream.write(text);
    } catch (error) {
      // Writes to a file succeed or fail synchronously.
      end(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return new Output(send, stream.isTTY === true, () => stream.columns ?? usualColumns);
}

let refused: Error | undefined;

/** The reason why standard output accepts no more data, such as a full disk; otherwise undefined. */
export const outputFailure = (): Error | undefined => refused;

/** The requested result. */
export const out = standard(process.stdout, (error) => {
  // The reader of a pipe may have seen enough (hebb … | head): that is not a failure.
  if ("code" in error && error.code === "EPIPE") process.exit();
  refused = error;
});

/** Messages for people: warnings and failures. Without a reader, they are dropped. */
export const err = standard(process.stderr, () => {});
