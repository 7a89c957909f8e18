// Builds the text of a C function: indented lines and fresh names.

export class Lines {
  private readonly written: string[] = [];
  private depth = 1;
  private names = 0;

  line(text: string): void {
    this.written.push("  ".repeat(this.depth) + text);
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

  /** const type name = expression; gives the name. */
  define(type: string, prefix: string, expression: string): string {
    const name = this.name(prefix);
    this.line(`const ${type} ${name} = ${expression};`);
    return name;
  }

  text(): string {
    return this.written.join("\n");
  }
}
