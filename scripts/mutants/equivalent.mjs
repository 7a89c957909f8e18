// Faults that nobody can observe: the file, the line as it stands there, what is changed in it, and why nothing follows.

/** @type {readonly { file: string; line: string; from: string; to: string; why: string }[]} */
export const equivalent = [];
