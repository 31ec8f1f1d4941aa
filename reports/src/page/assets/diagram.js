// One diagram: what is seen of it, what is selected, and what keys and tools do.

const OVERSCAN = 500;
// What browsers can scroll over, pixels.
const TALLEST = 8e6;

class Diagram {
  constructor(root) {
    const part = (selector) => root.querySelector(selector);
    this.story = readStory(JSON.parse(part("script.story").textContent));
    Object.assign(this, {
      root, name: root.dataset.diagram, view: part(".view"), aside: part(".details"), count: part(".count"),
      zoom: 1, selected: undefined, related: new Set(), drawn: undefined, width: undefined,
      plan: undefined,
    });
    this.header = svgElement("svg", { class: "squall-diagram hosts", "aria-hidden": "true", height: 30 });
    this.space = element("div", { class: "space", role: "none" });
    this.svg = svgElement("svg", { class: "squall-diagram", role: "none" });
    this.space.append(this.svg);
    this.view.append(this.header, this.space);
    offerFilters(this.root, this.story);
    this.root.querySelector("[data-do=difference]").hidden = this.story.difference === null;
    this.root.querySelector("[data-do=look]").disabled = this.story.lookAt === null;
    this.plan = layout(this.story, {});
    this.arrange();
    this.listen();
  }

  // Puts everything in its place, after the rows that are shown, the zoom or the width has changed.
  arrange() {
    const { story, view } = this;
    this.scale = Math.min(2 * this.zoom, TALLEST / this.plan.height);
    this.place = columns(this.plan.columns.length, view.clientWidth || 900, this.zoom);
    this.painter = new Painter(story, this.plan, this.place, this.scale, this.name);
    const height = Math.ceil(this.plan.height * this.scale) + 40;
    this.space.style.height = `${height}px`;
    this.space.style.width = `${this.place.width}px`;
    this.header.setAttribute("width", this.place.width);
    this.header.replaceChildren(
      ...this.plan.columns.map((column) => svgElement(
        "text", { class: "host", x: this.painter.x(column), y: 20, "text-anchor": "middle" }, story.hosts[column])),
      this.gutter(0, 30, [svgElement(
        "text", { class: "time", x: this.place.time, y: 20, "text-anchor": "end" }, "ms")]));
    this.root.querySelector("[data-do=reset]").textContent = `${Math.round(this.zoom * 100)}%`;
    const [shown, all] = [this.plan.shown.length, story.rows.length];
    const none = shown === 0 ? ": nothing matches" : "";
    this.count.textContent = shown === all ? `${all} rows` : `${shown} of ${all} rows${none}`;
    this.paint(true);
  }

  // Draws what is in view, and a bit more above and below.
  paint(anew = false) {
    const [seen, height] = [this.view.clientHeight || 600, this.space.offsetHeight];
    // What was drawn last may still be lower than anything is now.
    const top = Math.min(this.view.scrollTop, Math.max(0, height - seen));
    const bottom = top + seen;
    if (!anew && this.drawn && this.drawn[0] <= Math.max(0, top - 100)
      && this.drawn[1] >= Math.min(bottom + 100, height)) return;
    const first = Math.max(0, top - OVERSCAN);
    const last = Math.min(bottom + OVERSCAN, height);
    this.drawn = [first, last];
    const { svg, painter, plan } = this;
    svg.style.top = `${first}px`;
    svg.setAttribute("width", this.place.width);
    svg.setAttribute("height", last - first);
    svg.setAttribute("viewBox", `0 ${first} ${this.place.width} ${last - first}`);
    const back = svgElement("g", { "aria-hidden": "true" });
    back.append(...painter.background(first, last));
    const front = svgElement("g", { role: "none" });
    const end = firstShownAt(plan, last / this.scale);
    for (let place = firstShownAt(plan, first / this.scale); place < end; place += 1) {
      front.append(painter.option(place, this.selected));
    }
    const mark = this.story.difference;
    if (mark !== null && plan.isIn[mark]) {
      // The row and its label, which stands above it.
      const attributes = { class: "difference", x: 0, y: painter.y(mark) - 16, width: this.place.width, height: 22 };
      back.prepend(svgElement("rect", attributes));
    }
    svg.replaceChildren(back, front, this.gutter(first, last - first, painter.times(first, last)));
    this.markRelated();
    this.announce();
  }

  // The times, which stay in view when hosts are scrolled past.
  gutter(y, height, texts) {
    const group = svgElement("g", { class: "gutter", "aria-hidden": "true" });
    group.append(svgElement("rect", { class: "paper", x: 0, y, width: this.place.time + 6, height }), ...texts);
    group.setAttribute("transform", `translate(${this.view.scrollLeft} 0)`);
    return group;
  }

  moveGutters() {
    for (const group of this.view.querySelectorAll(".gutter")) {
      group.setAttribute("transform", `translate(${this.view.scrollLeft} 0)`);
    }
  }

  markRelated() {
    this.svg.classList.toggle("selecting", this.selected !== undefined);
    for (const one of this.svg.querySelectorAll("[data-row]")) {
      one.classList.toggle("related", this.related.has(Number(one.dataset.row)));
    }
  }

  announce() {
    const id = `${this.name}-${this.selected}`;
    const there = this.selected !== undefined && document.getElementById(id);
    if (there) this.view.setAttribute("aria-activedescendant", id);
    else this.view.removeAttribute("aria-activedescendant");
  }

  select(index) {
    const row = this.story.rows[index];
    this.selected = row?.index;
    this.related = new Set(row ? relatedRows(this.story, row) : []);
    // The whole arrow of each datagram, also if the row is where it ends.
    for (const one of [...this.related]) {
      const { datagram } = this.story.rows[one];
      if (datagram) this.related.add(datagram.row);
    }
    const nothing = element("p", { class: "note" }, "Select a datagram or an event to see what belongs to it.");
    this.aside.replaceChildren(...(row ? details(this.story, row, (to) => this.go(to)) : [nothing]));
    if (row) this.reveal(index);
    this.paint(true);
  }

  // Selects a row from elsewhere: the filter must not hide it.
  go(index) {
    if (index === null || index === undefined) return;
    if (!this.plan.isIn[index]) {
      clearFilters(this.root);
      this.filterRows();
    }
    this.select(index);
    this.view.focus({ preventScroll: true });
  }

  reveal(index) {
    const y = this.painter.y(index);
    const { scrollTop, clientHeight } = this.view;
    if (y < scrollTop + 60 || y > scrollTop + clientHeight - 60) {
      this.view.scrollTop = Math.max(0, y - clientHeight / 2);
    }
    const { column, datagram, kind } = this.story.rows[index];
    if (kind === ACROSS) return;
    const x = this.painter.x(kind === POINT ? column : kind === SENT ? datagram.from : datagram.to);
    const { scrollLeft, clientWidth } = this.view;
    // What happens on a host has its text beside it.
    if (x - this.place.left < scrollLeft || x + this.place.right > scrollLeft + clientWidth) {
      this.view.scrollLeft = Math.max(0, x - clientWidth / 2);
    }
  }

  // The row so many places further down among those that are shown.
  step(by) {
    const { shown } = this.plan;
    if (shown.length === 0) return;
    const isIn = this.selected !== undefined && this.plan.isIn[this.selected];
    const here = isIn ? firstShownAt(this.plan, this.plan.y[this.selected]) : -1;
    const next = here < 0 ? (by > 0 ? 0 : shown.length - 1) : here + by;
    this.select(shown[Math.max(0, Math.min(shown.length - 1, next))]);
  }

  // The next or previous row of the same operation or datagram.
  stepRelated(by) {
    if (this.selected === undefined) return;
    const all = relatedRows(this.story, this.story.rows[this.selected]);
    const next = all[all.indexOf(this.selected) + by];
    if (next !== undefined) this.go(next);
  }

  zoomTo(zoom) {
    const middle = this.view.scrollTop + this.view.clientHeight / 2;
    const at = middle / this.scale;
    this.zoom = Math.max(0.1, Math.min(4, zoom));
    this.arrange();
    this.view.scrollTop = at * this.scale - this.view.clientHeight / 2;
    this.paint();
  }

  // Shows the rows that the filters leave.
  filterRows() {
    const filter = chosenFilter(this.root, this.story);
    const isFree = Object.values(filter).every((part) => part === undefined);
    this.root.querySelector("[data-do=clear]").hidden = isFree;
    this.plan = layout(this.story, filter);
    // First: what is painted must be of one plan.
    this.arrange();
    if (this.selected === undefined) return;
    if (!this.plan.isIn[this.selected]) this.select(undefined);
    else this.reveal(this.selected);
    this.paint();
  }

  act(what) {
    const zoomed = { in: this.zoom * 1.25, out: this.zoom / 1.25, reset: 1 }[what];
    if (zoomed !== undefined) this.zoomTo(zoomed);
    if (what === "look") this.go(this.story.lookAt);
    if (what === "difference") this.go(this.story.difference);
    if (what === "clear") {
      clearFilters(this.root);
      this.filterRows();
      this.view.focus({ preventScroll: true });
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const page = 10;
    const actions = {
      ArrowDown: () => this.step(1), ArrowUp: () => this.step(-1),
      PageDown: () => this.step(page), PageUp: () => this.step(-page),
      Home: () => this.select(this.plan.shown[0]), End: () => this.select(this.plan.shown.at(-1)),
      n: () => this.stepRelated(1), p: () => this.stepRelated(-1), v: () => this.act("look"), d: () => this.act("difference"),
      "+": () => this.act("in"), "=": () => this.act("in"), "-": () => this.act("out"),
      0: () => this.act("reset"), Escape: () => this.select(undefined),
      "/": () => this.root.querySelector("[data-filter=op]").focus(),
    };
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    action?.();
    return action !== undefined;
  }

  listen() {
    const { root, view } = this;
    const wasDragged = listenToDrags(view);
    let waiting = false;
    view.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; this.moveGutters(); this.paint(); });
    });
    view.addEventListener("keydown", (event) => { if (this.key(event)) event.preventDefault(); });
    view.addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (row && !wasDragged()) this.select(Number(row.dataset.row));
    });
    let turned = 0;
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      // A touchpad turns more often than a screen can follow.
      if (turned === 0) {
        requestAnimationFrame(() => {
          this.zoomTo(this.zoom * 1.15 ** turned);
          turned = 0;
        });
      }
      turned += event.deltaY < 0 ? 1 : -1;
    }, { passive: false });
    root.querySelectorAll("[data-do]").forEach((button) =>
      button.addEventListener("click", () => this.act(button.dataset.do)));
    root.querySelectorAll("[data-filter]").forEach((control) =>
      control.addEventListener("input", () => this.filterRows()));
    new ResizeObserver(() => {
      if (this.view.clientWidth !== this.width) this.arrange();
      this.width = this.view.clientWidth;
    }).observe(view);
  }
}
