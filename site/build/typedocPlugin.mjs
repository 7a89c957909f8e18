// For TypeDoc: a class shows only its own members if its base class is in the reference.
// An entry has the name under which it is imported. All names go into a list, for the overview and the search of the site.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Application, Converter, ReflectionKind, RendererEvent } from "typedoc";

const kinds = new Map([
  [ReflectionKind.Class, "class"],
  [ReflectionKind.Function, "function"],
  [ReflectionKind.Interface, "interface"],
  [ReflectionKind.TypeAlias, "type"],
  [ReflectionKind.Variable, "value"],
]);

/** The import name of each entry, by TypeDoc's name for it: the path of its source. */
function importNames() {
  const { name, exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return new Map(
    Object.entries(exports).flatMap(([path, entry]) =>
      typeof entry === "string"
        ? []
        : [[/^\.\/dist\/(.*?)(?:\/index)?\.js$/.exec(entry.import.default)?.[1], path.replace(".", name)]],
    ),
  );
}

/** The first sentence of a docstring. */
function summary(reflection) {
  const comment = reflection.comment ?? reflection.signatures?.[0]?.comment;
  const text = (comment?.summary ?? []).map((part) => part.text).join("");
  return /^[\s\S]*?\.(?=\s|$)/.exec(text)?.[0] ?? text.replace(/:\s*$/, "");
}

export function load(app) {
  app.on(Application.EVENT_BOOTSTRAP_END, () => {
    const base = process.env.HEBB_SITE_BASE ?? "/";
    const links = { Documentation: `${base}index.html`, "All names": `${base}reference/names.html` };
    app.options.setValue("navigationLinks", links);
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const inherited = project
      .getReflectionsByKind(ReflectionKind.ClassMember)
      .filter(
        (member) =>
          member.inheritedFrom?.reflection !== undefined && member.parent?.kindOf(ReflectionKind.ClassOrInterface),
      );
    for (const member of inherited) project.removeReflection(member);
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const names = importNames();
    for (const entry of project.children ?? []) entry.name = names.get(entry.name) ?? entry.name;
  });
  app.renderer.on(RendererEvent.END, ({ project, outputDirectory }) => {
    const names = [];
    const take = (scope, label) => {
      for (const child of scope.children ?? []) {
        if (child.kindOf(ReflectionKind.SomeModule))
          take(child, scope === project ? child.name : `${label}: ${child.name}`);
        else if (kinds.has(child.kind))
          names.push({
            entry: label,
            name: child.name,
            kind: kinds.get(child.kind),
            url: app.renderer.router.getFullUrl(child),
            summary: summary(child),
          });
      }
    };
    take(project, "");
    writeFileSync(join(outputDirectory, "names.json"), JSON.stringify(names));
  });
}
