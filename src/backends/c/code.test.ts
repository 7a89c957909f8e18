// The tree of C text: addresses and offsets are resolved at printing.
import { expect, it } from "vitest";
import { code, joined, print } from "./code.ts";

const named = ({ slot, byteOffset }: { readonly slot: number; readonly byteOffset: number }): string =>
  `a[${slot}] + ${byteOffset}`;

it("resolves an address when printed", () => {
  const line = code`float *p = ${{ slot: 2, byteOffset: 64 }};`;
  expect(print(line, named)).toBe("float *p = a[2] + 64;");
  expect(print(code`${line} // ${3}`, named)).toBe("float *p = a[2] + 64; // 3");
});

it("prints an element's offset from the lowest element of its pointer, which is known only at the end", () => {
  const from = { lowest: 5 };
  const element = (constant: number) => code`p + (i${{ from, constant }})`;
  const all = joined([element(5), element(9), element(2)], ", ");
  expect(print(all, named)).toBe("p + (i), p + (i + 4), p + (i - 3)");
  from.lowest = 2;
  expect(print(all, named)).toBe("p + (i + 3), p + (i + 7), p + (i)");
});
