// What stands in the gaps of a text that is letters alone.
export type Value = string | number;
