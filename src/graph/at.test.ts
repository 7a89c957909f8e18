// Reading past the end of a list throws.
import { describe, expect, it } from "vitest";
import { at } from "./at.ts";
import { InternalError } from "./errors.ts";

describe("at", () => {
  it("returns the element, even a falsy one", () => {
    expect(at([4, 0, 6], 1)).toBe(0);
    expect(at([null, ""], 0)).toBeNull();
    expect(at([null, ""], 1)).toBe("");
  });

  it.each([3, -1, 1.5, Number.NaN])("reports that there is no element %d", (index) => {
    expect(() => at([4, 5, 6], index)).toThrow(InternalError);
    expect(() => at([4, 5, 6], index)).toThrow(`there is no element ${index} in a list of 3`);
  });
});
