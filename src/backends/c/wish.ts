// What the environment asks of a C compiler, for where another backend runs.
import type { Warning } from "../backend.ts";

/** Why a compiler that is asked for is not used; undefined where none is. */
export function unusedCompiler(environment: (name: string) => string | undefined): Warning | undefined {
  const asked = ["HEBB_CC", "HEBB_CFLAGS"].filter((name) => environment(name) !== undefined);
  if (asked.length === 0) return undefined;
  const [asks, them] = asked.length === 1 ? ["asks", "it"] : ["ask", "them"];
  return {
    what: `${asked.join(" and ")} ${asks} for a C compiler, which does not work`,
    fix: `correct or unset ${them}; HEBB_BACKEND=c says what is wrong`,
  };
}
