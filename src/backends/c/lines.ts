// Builds the text of a C function: indented lines and fresh names.

import { type Code, code, type Text } from "./code.ts";

export class Lines {
  private readonly written: Code[number][] = [];
  private depth = 1;
  private names = 0;

  line(text: Text): void {
    this.written.push(`${this.written.length > 0 ? "\n" : ""}${"  ".repeat(this.depth)}`);
    if (typeof text === "string") this.written.push(text);
    else this.written.push(...text);
  }

  /** head { body } */
  block(head: string, body: () => void): void {
    this.line(`${head} {`);
    this.depth++;
    body();
    this.depth--;
    this.line("}");
  }

  /** A fresh name. */
  name(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  /** const type name = expression; returns the name. */
  define(type: string, prefix: string, expression: Text): string {
    const name = this.name(prefix);
    this.line(code`const ${type} ${name} = ${expression};`);
    return name;
  }

  text(): Code {
    return this.written;
  }
}
