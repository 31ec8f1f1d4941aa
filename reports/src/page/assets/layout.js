// Which rows are shown, and where: y in tenths of a row.

const ROW = 10;

// More space where more time passes: its logarithm, as in the pictures that squall draws itself.
function gap(nanoseconds) {
  const micros = Math.floor(nanoseconds / 1000);
  return ROW + (micros < 1 ? 0 : 2 * (Math.floor(Math.log2(micros)) + 1));
}

// Pieces of the diagram in which to look for arrows, tenths of a row.
const PIECE = 500;
// Arrows over more pieces than these are looked for one by one: they would be in too many.
const SPANNED = 20;
// Arrows that are drawn at a time. With more, nothing could be told apart.
const MOST_ARROWS = 3000;

function layout(story, filter) {
  const y = new Int32Array(story.rows.length);
  const isIn = new Uint8Array(story.rows.length);
  const shown = [];
  let [bottom, before] = [0, undefined];
  for (const row of story.rows) {
    if (!isShown(story, row, filter)) continue;
    bottom += before === undefined ? ROW : gap(row.at - before);
    before = row.at;
    y[row.index] = bottom;
    isIn[row.index] = 1;
    shown.push(row.index);
  }
  const height = bottom + 2 * ROW;
  // What is not shown is where the next row is that is.
  for (let index = y.length - 1, next = height; index >= 0; index -= 1) {
    if (isIn[index]) next = y[index]; else y[index] = next;
  }
  const [pieces, long] = [Array.from({ length: Math.floor(height / PIECE) + 1 }, () => []), []];
  for (const datagram of story.datagrams) {
    if (!isIn[datagram.row]) continue;
    const first = y[datagram.row];
    const last = datagram.ends.reduce((most, end) => Math.max(most, y[end.row]), first);
    const [from, to] = [Math.floor(first / PIECE), Math.floor(last / PIECE)];
    if (to - from > SPANNED) long.push({ datagram, first, last });
    else for (let at = from; at <= to; at += 1) pieces[at].push(datagram);
  }
  return { y, isIn, shown, height, pieces, long, columns: columnsOf(story, filter, shown) };
}

// The columns in which something is shown: hosts that a filter leaves without anything only take space.
function columnsOf(story, filter, shown) {
  const all = story.hosts.map((_, column) => column);
  if (Object.values(filter).every((part) => part === undefined)) return all;
  const used = new Set();
  for (const index of shown) {
    const { kind, column, datagram } = story.rows[index];
    if (kind === POINT) used.add(column);
    if (datagram !== undefined) used.add(datagram.from).add(datagram.to);
  }
  return used.size === 0 ? all : all.filter((column) => used.has(column));
}

function isShown(story, row, filter) {
  if (filter.ops !== undefined && !filter.ops.has(row.op)) return false;
  const { datagram } = row;
  if (filter.host !== undefined && row.kind !== ACROSS) {
    const columns = datagram === undefined ? [row.column] : [datagram.from, datagram.to];
    if (!columns.includes(filter.host)) return false;
  }
  if (filter.kind === undefined) return true;
  const [what, name] = filter.kind;
  if (what === "steps") return row.kind === POINT && row.step !== "";
  if (datagram === undefined) return false;
  if (what === "kind") return datagram.kind === name;
  if (name === "dropped") return datagram.ends.some((end) => end.reason !== undefined);
  return datagram.marks.some((mark) => mark.kind === name);
}

// The place in `plan.shown` of the first row at or below `y`.
function firstShownAt(plan, y) {
  let [low, high] = [0, plan.shown.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (plan.y[plan.shown[middle]] < y) low = middle + 1; else high = middle;
  }
  return low;
}

// The datagrams with an arrow between two heights.
function arrowsBetween(plan, first, last) {
  const found = new Set();
  const end = Math.min(Math.floor(last / PIECE), plan.pieces.length - 1);
  for (let at = Math.max(0, Math.floor(first / PIECE)); at <= end; at += 1) {
    plan.pieces[at].forEach((datagram) => found.add(datagram));
  }
  for (const one of plan.long) {
    if (found.size >= MOST_ARROWS) break;
    if (one.first <= last && one.last >= first) found.add(one.datagram);
  }
  return found;
}
