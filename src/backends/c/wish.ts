// Explains, when another backend runs, why a C compiler requested in the environment is not used.
import type { Warning } from "../backend.ts";

/** Why the requested compiler is not used; undefined if none was requested. */
export function unusedCompiler(environment: (name: string) => string | undefined): Warning | undefined {
  const asked = ["HEBB_CC", "HEBB_CFLAGS"].filter((name) => environment(name) !== undefined);
  if (asked.length === 0) return undefined;
  const [asks, them] = asked.length === 1 ? ["asks", "it"] : ["ask", "them"];
  return {
    what: `${asked.join(" and ")} ${asks} for a C compiler, which does not work`,
    fix: `correct or unset ${them}; HEBB_BACKEND=c says what is wrong`,
  };
}
