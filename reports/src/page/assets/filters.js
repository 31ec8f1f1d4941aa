// What the filters offer, and what is chosen.

function filterControl(root, name) {
  return root.querySelector(`[data-filter=${name}]`);
}

function offerFilters(root, story) {
  const option = (value, text) => element("option", { value }, text);
  story.hosts.forEach((host, column) => filterControl(root, "host").append(option(String(column), host)));
  const group = (label, options) => {
    const made = element("optgroup", { label });
    made.append(...options);
    if (options.length > 0) filterControl(root, "kind").append(made);
  };
  const kinds = [...new Set(story.datagrams.map((datagram) => datagram.kind))].sort();
  group("Datagrams", kinds.map((kind) => option(`kind ${kind}`, kind)));
  const fates = ["dropped", "duplicated", "corrupted", "delayed", "reordered"];
  group("What became of them", fates.map((fate) => option(`fate ${fate}`, fate)));
  group("Application", [option("steps all", "operations")]);
  // As many as a list can be looked through.
  const names = story.operations.slice(0, 1000).map((op) => option(op.name, op.name));
  root.querySelector("datalist").append(...names);
}

// Each part is undefined if it lets everything pass.
function chosenFilter(root, story) {
  const [host, kind, op] = ["host", "kind", "op"].map((name) => filterControl(root, name).value);
  const at = kind.indexOf(" ");
  return {
    host: host === "" ? undefined : Number(host),
    kind: kind === "" ? undefined : [kind.slice(0, at), kind.slice(at + 1)],
    ops: op.trim() === "" ? undefined : operationsNamed(story, op.trim()),
  };
}

// Those with this name; if none has it, those whose names contain it.
function operationsNamed(story, text) {
  const places = story.operations.map((op, place) => [op.name, place]);
  const exact = places.filter(([name]) => name === text);
  const found = exact.length > 0 ? exact : places.filter(([name]) => name.includes(text));
  return new Set(found.map(([, place]) => place));
}

function clearFilters(root) {
  root.querySelectorAll("[data-filter]").forEach((control) => { control.value = ""; });
}
