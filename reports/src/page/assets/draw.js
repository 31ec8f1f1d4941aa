// Draws a part of the diagram: the rows between two heights, and what crosses them. Text is only ever set
// as text.

const SVG = "http://www.w3.org/2000/svg";
const LOST = 0.55;

function svgElement(name, attributes = {}, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// Where so many columns are, for a view so many pixels wide.
function columns(count, width, zoom) {
  const narrow = width < 800;
  const [left, right] = narrow ? [210, 150] : [270, 230];
  const gaps = Math.max(1, count - 1);
  const lane = Math.max(150, Math.min(460, (width - left - right) / gaps)) * Math.max(0.4, zoom);
  return { time: narrow ? 58 : 78, left, right, lane, width: Math.max(width, left + gaps * lane + right) };
}

class Painter {
  constructor(story, plan, place, scale, prefix) {
    Object.assign(this, { story, plan, place, scale, prefix });
    this.nth = new Map(plan.columns.map((column, nth) => [column, nth]));
  }

  // Undefined for a host that is not shown.
  x(column) {
    const nth = this.nth.get(column);
    return nth === undefined ? undefined : this.place.left + nth * this.place.lane;
  }

  // From the first column to the last one, and a bit more.
  edges() { return [this.place.left - 30, this.place.left + (this.plan.columns.length - 1) * this.place.lane + 30]; }
  // Past the last row is the end.
  y(row) { return (this.plan.y[row] ?? this.plan.height) * this.scale; }

  // The lowest layer: what lasts, the hosts' lines, and all arrows between two heights, in pixels.
  background(first, last) {
    const parts = [...this.bands(first, last)];
    this.plan.columns.forEach((column) => {
      const x = this.x(column);
      parts.push(svgElement("line", { class: "lane", x1: x, x2: x, y1: first, y2: last }));
    });
    for (const datagram of arrowsBetween(this.plan, first / this.scale, last / this.scale)) {
      parts.push(this.arrows(datagram));
    }
    return parts;
  }

  // The time of each row that has another one than the row above it.
  *times(first, last) {
    const { shown } = this.plan;
    const end = firstShownAt(this.plan, last / this.scale);
    for (let place = firstShownAt(this.plan, first / this.scale); place < end; place += 1) {
      const row = this.story.rows[shown[place]];
      if (place > 0 && this.story.rows[shown[place - 1]].at === row.at) continue;
      const attributes = { class: "time", x: this.place.time, y: this.y(row.index) + 4, "text-anchor": "end" };
      yield svgElement("text", attributes, milliseconds(row.at));
    }
  }

  *bands(first, last) {
    for (const band of this.story.bands) {
      const [top, end] = [Math.max(first, this.y(band.first)), Math.min(last, this.y(band.end))];
      if (end <= top) continue;
      const half = { fault: 30, down: 9, paused: 9, incarnation: 4 }[band.kind];
      for (const span of band.spans) {
        const seen = this.plan.columns.filter((column) => span[0] <= column && column <= span[1]);
        if (seen.length === 0) continue;
        const [x, right] = [this.x(seen[0]) - half, this.x(seen.at(-1)) + half];
        const attributes = { class: `band ${band.kind}`, x, y: top, width: right - x, height: end - top };
        const rectangle = svgElement("rect", attributes);
        rectangle.append(svgElement("title", {}, band.text));
        yield rectangle;
      }
    }
  }

  arrows(datagram) {
    const group = svgElement("g", { "data-row": datagram.row, class: "way" });
    const [x, y, to] = [this.x(datagram.from), this.y(datagram.row), this.x(datagram.to)];
    const away = to >= x ? 1 : -1;
    const line = (name, x2, y2, more = {}) => {
      const d = to === x ? `M${x} ${y} h40 V${y2} h-36` : `M${x} ${y} L${x2} ${y2}`;
      group.append(svgElement("path", { class: "reach", d }), svgElement("path", { class: name, d, ...more }));
    };
    for (const end of datagram.ends) {
      const down = end.row === datagram.row ? y + 14 : this.y(end.row);
      const copy = end.copy > 0 ? " copy" : "";
      if (end.reason === undefined) {
        line(`arrow${copy}`, to - away * 3, down, { "marker-end": "url(#head)" });
        continue;
      }
      const lost = end.onTheWay ? x + (to - x) * LOST : to - away * 8;
      line(`arrow lost${copy}`, lost, down);
      group.append(svgElement("use", { class: "glyph dropped", href: "#glyph-dropped", x: lost, y: down }));
      const before = end.onTheWay ? 1 : -1;
      group.append(svgElement("text", {
        class: "reason", x: lost + before * away * 12, y: down + (end.onTheWay ? 4 : 16),
        "text-anchor": before * away > 0 ? "start" : "end",
      }, end.reason));
    }
    if (datagram.ends.length === 0) line("arrow open", x + (to - x) * LOST, y + 14);
    datagram.marks.forEach((mark, nth) => group.append(svgElement("use", {
      class: `glyph ${mark.kind}`, href: `#glyph-${mark.kind}`, x: x + away * (150 + 18 * nth), y: y + 5,
    })));
    return group;
  }

  // A row as an option of the list.
  option(place, selected) {
    const row = this.story.rows[this.plan.shown[place]];
    const group = svgElement("g", {
      role: "option", id: `${this.prefix}-${row.index}`, "data-row": row.index, class: "row",
      "aria-selected": row.index === selected, "aria-label": sentence(this.story, row),
      "aria-posinset": place + 1, "aria-setsize": this.plan.shown.length,
    });
    const y = this.y(row.index);
    if (row.kind === POINT) this.point(group, row, y);
    if (row.kind === ACROSS) this.across(group, row, y);
    if (row.kind === SENT) this.label(group, row.datagram, y);
    if (row.kind === ENDED) {
      group.append(svgElement("circle", { class: "reach", cx: this.x(row.datagram.to), cy: y, r: 7 }));
    }
    return group;
  }

  point(group, row, y) {
    const x = this.x(row.column);
    const [at, anchor] = this.nth.get(row.column) === 0 ? [x - 12, "end"] : [x + 12, "start"];
    group.append(
      svgElement("circle", { class: `dot ${row.tone}`, cx: x, cy: y, r: 4 }),
      svgElement("text", { class: `event ${row.tone}`, x: at, y: y + 4, "text-anchor": anchor }, row.text),
    );
  }

  across(group, row, y) {
    const [left, right] = this.edges();
    group.append(
      svgElement("line", { class: "across", x1: left, x2: right, y1: y, y2: y }),
      svgElement("text", { class: "across", x: right - 10, y: y - 4 }, row.text),
    );
  }

  label(group, datagram, y) {
    const away = datagram.to >= datagram.from ? 1 : -1;
    const text = svgElement("text", {
      class: "label", x: this.x(datagram.from) + away * 10, y: y - 4, "text-anchor": away > 0 ? "start" : "end",
    }, datagram.label);
    datagram.marks.forEach((mark) => text.append(svgElement("tspan", { class: mark.kind }, ` ${mark.text}`)));
    group.append(text);
  }
}
