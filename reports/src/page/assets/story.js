// What the page's data says, with names for its places.

const SENT = 0, ENDED = 1, POINT = 2, ACROSS = 3;

function readStory(data) {
  const datagrams = data.datagrams.map(([id, row, from, to, fromPort, toPort, label, kind, fields, length,
    start, marks, ends]) => ({
    id, row, from, to, fromPort, toPort, label, kind, fields, length, start,
    marks: marks.map(([kind, text]) => ({ kind, text })),
    ends: ends.map(([row, copy, reason, onTheWay]) => ({ row, copy, reason, onTheWay: onTheWay === 1 })),
  }));
  const rows = data.rows.map(([at, op, kind, ...rest], index) => {
    const row = { index, at, op, kind };
    if (kind === SENT) row.datagram = datagrams[rest[0]];
    if (kind === ENDED) [row.datagram, row.end] = [datagrams[rest[0]], datagrams[rest[0]].ends[rest[1]]];
    if (kind === POINT) [row.column, row.text, row.tone, row.step] = rest;
    if (kind === ACROSS) row.text = rest[0];
    return row;
  });
  const operations = data.operations.map(([name, executions, last, invokedAt, endedAt, rows]) =>
    ({ name, executions, last, invokedAt, endedAt, rows }));
  const bands = data.bands.map(([kind, first, end, spans, text]) => ({ kind, first, end, spans, text }));
  const { hosts, lookAt, difference } = data;
  return { hosts, lookAt, difference, rows, datagrams, operations, bands };
}

// To the microsecond, and cut off there, as everywhere else.
function milliseconds(nanoseconds) {
  const micros = Math.floor(nanoseconds / 1000);
  return `${Math.floor(micros / 1000)}.${String(micros % 1000).padStart(3, "0")}`;
}

function copyName(end) {
  return end.copy === 0 ? "" : ` (copy ${end.copy})`;
}

// A row as a sentence, for those who do not see the diagram.
function sentence(story, row) {
  const at = `${milliseconds(row.at)} ms: `;
  if (row.kind === POINT) return `${at}${story.hosts[row.column]}: ${row.text}`;
  if (row.kind === ACROSS) return at + row.text;
  const { datagram, end } = row;
  const [from, to] = [story.hosts[datagram.from], story.hosts[datagram.to]];
  if (row.kind === SENT) {
    const lost = datagram.ends.filter((end) => end.row === row.index && end.reason !== undefined);
    // The visible label is part of the name, for speech input (WCAG 2.5.3).
    const seen = [datagram.label, ...datagram.marks.map((mark) => mark.text)].join(" ");
    return `${at}${from} sends to ${to}: ${seen}` + lost.map((end) => `; dropped, ${end.reason}`).join("");
  }
  if (end.reason !== undefined) {
    return `${at}${datagram.label}${copyName(end)} from ${from} to ${to} dropped, ${end.reason}`;
  }
  return `${at}${datagram.label}${copyName(end)} from ${from} arrives at ${to}`;
}

// The rows that belong to the same operation, or to the same datagram if it has none.
function relatedRows(story, row) {
  if (row.op !== null) return story.operations[row.op].rows;
  if (row.datagram === undefined) return [row.index];
  const own = [row.datagram.row, ...row.datagram.ends.map((end) => end.row)];
  return [...new Set(own)].sort((a, b) => a - b);
}

// The operation's datagrams, in the order in which they were sent.
function datagramsOf(story, op) {
  const rows = story.operations[op].rows.map((row) => story.rows[row]);
  return rows.filter((row) => row.kind === SENT).map((row) => row.datagram);
}
