// Which rows are shown, and where: y in tenths of a row.

const ROW = 10;

// More space where more time passes: its logarithm, as in the pictures that squall draws itself.
function gap(nanoseconds) {
  const micros = Math.floor(nanoseconds / 1000);
  return ROW + (micros < 1 ? 0 : 2 * (Math.floor(Math.log2(micros)) + 1));
}

// Pieces of the diagram in which to look for arrows, tenths of a row.
const PIECE = 500;

function layout(story, filter) {
  const y = new Int32Array(story.rows.length).fill(-1);
  const shown = [];
  let [bottom, before] = [0, undefined];
  for (const row of story.rows) {
    if (!isShown(story, row, filter)) continue;
    bottom += before === undefined ? ROW : gap(row.at - before);
    before = row.at;
    y[row.index] = bottom;
    shown.push(row.index);
  }
  const height = bottom + 2 * ROW;
  const pieces = Array.from({ length: Math.floor(height / PIECE) + 1 }, () => []);
  for (const datagram of story.datagrams) {
    const first = y[datagram.row];
    if (first < 0) continue;
    const last = datagram.ends.reduce((most, end) => Math.max(most, y[end.row]), first);
    for (let at = Math.floor(first / PIECE); at <= Math.floor(last / PIECE); at += 1) {
      pieces[at].push(datagram);
    }
  }
  return { y, shown, height, pieces };
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

// The y of a row; of one that is not shown, that of the next one which is.
function yOf(story, plan, index) {
  for (let at = index; at < story.rows.length; at += 1) {
    if (plan.y[at] >= 0) return plan.y[at];
  }
  return plan.height;
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
  return found;
}
