// All output of the command, in one place, so that no text from a file reaches the terminal unescaped.
import { visible, withoutUnseen } from "../graph/visible.ts";

const codes = (char: string): string =>
  char
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");

/** JSON in which control and invisible characters are escaped, each unit as \u and four hexadecimal digits. It parses to the same value. */
export const visibleJson = (value: unknown): string => withoutUnseen(JSON.stringify(value), codes);

const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

/** Where nothing says how wide a line is. */
const usualColumns = 80;

/** Where text goes. What it is given is made harmless; cursor movements have separate methods. */
export class Output {
  /** Whether a person is looking: a last line can be redrawn. */
  readonly terminal: boolean;
  readonly #send: (text: string) => void;
  /** Whether the last line is one that will be redrawn. */
  #bar = false;

  readonly #columns: () => number;

  constructor(send: (text: string) => void, terminal: boolean, columns: () => number = () => usualColumns) {
    this.#send = send;
    this.terminal = terminal;
    this.#columns = columns;
  }

  /** How many characters a line has room for. */
  get columns(): number {
    return this.#columns();
  }

  /** One line each. A line break within one is shown, not made. */
  line(...lines: readonly string[]): void {
    this.clearBar();
    this.#send(lines.map((line) => `${visible(line)}\n`).join(""));
  }

  /** A text of our own that has lines, such as help. */
  text(text: string): void {
    this.clearBar();
    this.#send(visibleLines(text));
  }

  /** One line of JSON; what is not a number is null in it. */
  json(value: unknown): void {
    this.#send(`${visibleJson(value)}\n`);
  }

  /** Data that a program may read: as they are into a file or a pipe, harmless on a terminal. */
  data(text: string): void {
    this.#send(this.terminal ? visibleLines(text) : text);
  }

  /** A last line that the next one takes the place of. */
  bar(text: string): void {
    this.clearBar();
    // A line that wraps could not be taken back.
    const room = Math.max(1, this.columns - 1);
    const line = visible(text);
    this.#send(line.length > room ? `${line.slice(0, room - 1)}…` : line);
    this.#bar = true;
  }

  clearBar(): void {
    if (this.#bar) this.#send("\r\u001b[2K");
    this.#bar = false;
  }

  /** Lines in the place of the last `replaced` ones. */
  frame(lines: readonly string[], replaced: number): void {
    if (replaced > 0) this.#send(`\u001b[${replaced}A\u001b[0J`);
    this.line(...lines);
  }

  cursor(shown: boolean): void {
    this.#send(shown ? "\u001b[?25h" : "\u001b[?25l");
  }
}

/** The standard output or error of the process. `failed` is called when it accepts no more; later text is dropped. */
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

/** Why standard output takes no more, if it does not: a full disk, say. */
export const outputFailure = (): Error | undefined => refused;

/** For what was asked. */
export const out = standard(process.stdout, (error) => {
  // The reader of a pipe may have seen enough (hebb … | head): that is not a failure.
  if ("code" in error && error.code === "EPIPE") process.exit();
  refused = error;
});

/** For people: warnings and failures. Without a reader, they are dropped. */
export const err = standard(process.stderr, () => {});
