// What is known of the selected row, beside the diagram.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function facts(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) list.append(element("dt", {}, name), element("dd", {}, value));
  return list;
}

// `go` is called with the row that a button names.
function details(story, row, go) {
  const parts = [element("p", { class: "what" }, sentence(story, row))];
  if (row.datagram !== undefined) parts.push(...datagramDetails(story, row.datagram, go));
  if (row.op !== null) parts.push(...operationDetails(story, row, go));
  return parts;
}

function datagramDetails(story, datagram, go) {
  const address = (column, port) => `${story.hosts[column]}:${port}`;
  const known = [
    ["from", address(datagram.from, datagram.fromPort)],
    ["to", address(datagram.to, datagram.toPort)],
    ["kind", datagram.kind],
    ...datagram.fields,
    ["length", `${datagram.length} bytes`],
  ];
  const fate = element("ul", { class: "fate" });
  datagram.marks.forEach((mark) => fate.append(element("li", { class: mark.kind }, mark.text)));
  for (const end of datagram.ends) {
    const at = milliseconds(story.rows[end.row].at);
    const what = end.reason === undefined ? "arrived" : `dropped (${end.reason})`;
    fate.append(element("li", {}, link(`${what}${copyName(end)} at ${at} ms`, end.row, go)));
  }
  if (datagram.ends.length === 0) fate.append(element("li", {}, "still on its way at the end"));
  const bytes = datagram.start.match(/../g) ?? [];
  const more = datagram.length > bytes.length ? " ..." : "";
  return [
    element("h3", {}, `Datagram ${datagram.id}: ${datagram.label}`),
    facts(known), element("h4", {}, "What became of it"), fate,
    element("h4", {}, "Payload, as sent"), element("pre", { class: "bytes" }, bytes.join(" ") + more),
  ];
}

function operationDetails(story, row, go) {
  const op = story.operations[row.op];
  const time = (at) => (at === null ? "never" : `${milliseconds(at)} ms`);
  const executed = element("span", op.executions > 1 ? { class: "violated" } : {}, `${op.executions}x`);
  const known = [
    ["executed", executed], ["invoked", time(op.invokedAt)],
    ["ended", op.endedAt === null ? "never" : `${op.last} at ${time(op.endedAt)}`],
    ["datagrams", String(datagramsOf(story, row.op).length)],
  ];
  const list = element("ol", { class: "related" });
  // A page must not hang on an operation that sends without end.
  const [all, most] = [relatedRows(story, row), 200];
  const first = Math.max(0, Math.min(all.indexOf(row.index) - most / 2, all.length - most));
  list.setAttribute("start", first + 1);
  for (const index of all.slice(first, first + most)) {
    const one = story.rows[index];
    const item = element("li", index === row.index ? { "aria-current": "true" } : {});
    item.append(link(sentence(story, one), index, go));
    list.append(item);
  }
  const left = `${all.length - most} more rows are left out, before and after these`;
  const rest = all.length > most ? [element("p", { class: "note" }, left)] : [];
  return [element("h3", {}, `Operation ${op.name}`), facts(known), list, ...rest];
}

function link(text, row, go) {
  const button = element("button", { type: "button", class: "link" }, text);
  button.addEventListener("click", () => go(row));
  return button;
}
