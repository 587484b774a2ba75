// Figures that answer. A page holds every figure as a picture, seen without this script too, and its data once, as JSON.
// With the script: the cursor shows the values of all curves, in all panels with the same horizontal axis; an entry of the
// legend hides its curves; dragging a box zooms. Everything can be done with the keyboard.
(() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  // A readout lists no more curves than this, the nearest.
  const MOST_ROWS = 12;
  // The part of an axis that can be zoomed into: beyond it, thinned curves show nothing new.
  const DEEPEST = 0.01;
  // A box less wide or high than this in pixels does not zoom that axis.
  const CLICK = 8;

  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

  function add(parent, name, attributes = {}, text = "") {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    parent.append(element);
    return element;
  }

  function html(parent, name, attributes = {}, text = "") {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    parent.append(element);
    return element;
  }

  // 10⁻³
  const powerOfTen = (exponent) =>
    "10" + [...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");

  // An axis along a stretch of pixels. `low` and `high` are what is in view, as decimal logarithms on a logarithmic axis.
  class Axis {
    constructor({ label, bare, log, decade, low, high }, start, length) {
      // On an axis for both signs, `unit` is where its linear part ends.
      const unit = decade === undefined ? 0 : 10 ** decade;
      Object.assign(this, { label, bare, log, decade, unit, low, high, start, length, home: [low, high] });
    }
    get zoomed() {
      return this.low !== this.home[0] || this.high !== this.home[1];
    }
    coordinate(value) {
      if (this.unit) {
        const part = value / this.unit;
        return Math.abs(part) > 1 ? Math.sign(part) * (1 + Math.log10(Math.abs(part))) : part;
      }
      return this.log ? Math.log10(value) : value;
    }
    value(coordinate) {
      if (this.unit) return this.unit * (Math.abs(coordinate) > 1 ? Math.sign(coordinate) * 10 ** (Math.abs(coordinate) - 1) : coordinate);
      return this.log ? 10 ** coordinate : coordinate;
    }
    // The pixel of a value; not finite if it has none.
    pixel(value) {
      return this.start + ((this.coordinate(value) - this.low) / (this.high - this.low)) * this.length;
    }
    // The coordinate at a pixel.
    at(pixel) {
      return this.low + ((pixel - this.start) / this.length) * (this.high - this.low);
    }
    // Where a pixel of the picture as it was drawn is now.
    moved(pixel) {
      const [low, high] = this.home;
      const coordinate = low + ((pixel - this.start) / this.length) * (high - low);
      return this.start + ((coordinate - this.low) / (this.high - this.low)) * this.length;
    }
    // Shows a range of coordinates, as far as the axis goes.
    zoom(low, high) {
      const [least, greatest] = this.home;
      const whole = greatest - least, extent = Math.max(high - low, DEEPEST * whole);
      if (extent >= whole) return this.reset();
      this.low = clamp((low + high - extent) / 2, least, greatest - extent);
      this.high = this.low + extent;
    }
    reset() {
      [this.low, this.high] = this.home;
    }
    // Values with a label, and some without one.
    ticks() {
      const count = Math.max(2, Math.floor(Math.abs(this.length) / (this.length > 0 ? 75 : 50)));
      if (this.log && this.high - this.low >= 1) {
        const every = Math.max(1, Math.ceil((this.high - this.low) / count));
        const ticks = [];
        for (let e = Math.floor(this.low); e <= this.high; e++) {
          const named = e >= this.low && e % every === 0;
          if (e >= this.low) ticks.push({ value: 10 ** e, label: named ? powerOfTen(e) : "" });
          for (let digit = 2; every === 1 && digit < 10; digit++) ticks.push({ value: digit * 10 ** e, label: "" });
        }
        return ticks.filter(({ value }) => this.coordinate(value) >= this.low && this.coordinate(value) <= this.high);
      }
      if (this.unit && this.high - this.low >= 2) {
        const every = Math.max(1, Math.ceil((this.high - this.low) / count));
        const ticks = [];
        for (let place = Math.ceil(this.low); place <= this.high; place++) {
          const text = place === 0 ? "0" : (place < 0 ? "−" : "") + powerOfTen(this.decade + Math.abs(place) - 1);
          ticks.push({ value: this.value(place), label: place % every === 0 ? text : "" });
        }
        return ticks;
      }
      const [low, high] = [this.value(this.low), this.value(this.high)];
      const rough = (high - low) / count;
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) * power;
      const largest = Math.max(Math.abs(low), Math.abs(high));
      const exponent = largest >= 1e-3 && largest < 1e5 ? 0 : Math.floor(Math.log10(largest));
      const unit = step / 10 ** exponent;
      let decimals = 0;
      while (decimals < 15 && Math.abs(unit * 10 ** decimals - Math.round(unit * 10 ** decimals)) > 1e-6 * unit * 10 ** decimals) decimals++;
      const label = (value) => {
        const digits = (value / 10 ** exponent).toFixed(decimals).replace("-", "−");
        return value === 0 ? "0" : exponent ? `${digits}·${powerOfTen(exponent)}` : digits;
      };
      const ticks = [];
      for (let i = Math.ceil(low / step - 1e-9); i <= high / step + 1e-9; i++) ticks.push({ value: i * step, label: label(i * step) });
      return ticks;
    }
  }

  // Panels whose cursors and horizontal ranges move together, by the horizontal axis that they share.
  const links = new Map();
  // All curves and bands, and all entries of legends, by label; the labels of those that are hidden.
  const curves = new Map();
  const entries = new Map();
  const hidden = new Set();
  const listed = (map, key) => map.get(key) ?? map.set(key, []).get(key);

  class Panel {
    constructor(figure, svg, group, data, steps) {
      const [left, top, width, height] = data.frame;
      Object.assign(this, { figure, svg, group, frame: { left, top, width, height } });
      this.x = new Axis(data.x, left, width);
      this.y = new Axis(data.y, top + height, -height);
      this.name = data.name;
      const along = (x, values) => (Array.isArray(steps[x]) ? steps[x] : values.map((_, k) => steps[x].from + k * steps[x].by));
      const groups = (name, i) => [...group.querySelectorAll(`[data-${name}="${i}"]`)];
      this.series = data.series.map(({ label, x, y }, i) => {
        const points = along(x, y).map((value, k) => ({ x: value, y: y[k], k }));
        const drawn = points.filter((p) => p.y !== null && Number.isFinite(this.x.pixel(p.x)) && Number.isFinite(this.y.pixel(p.y)));
        return { label, points: drawn, xs: drawn.map((p) => p.x), groups: groups("series", i), panel: this };
      });
      // The spread of a curve is read out and hidden along with it.
      const legend = data.bands.find(({ low }) => low.length === 0)?.label ?? "";
      this.bands = data.bands.map(({ label: own, x, low, high, of }, i) => {
        // An entry for no band in particular is that of all without a label.
        const label = own || legend;
        const at = new Map(along(x, low).map((value, k) => [value, [low[k], high[k]]]));
        const band = { label, at, groups: groups("band", i), panel: this, of: this.series[of] };
        if (band.of) band.of.band ??= band;
        return band;
      });
      for (const shape of [...this.series, ...this.bands]) listed(curves, shape.label).push(shape);
      // Curves that go back and forth are pointed at in the plane, others along the horizontal axis.
      const forth = ({ points }) => points.every((p, k) => k === 0 || points[k - 1].x <= p.x);
      this.plane = data.plane || !this.series.every(forth);
      const key = this.plane ? `plane ${links.size}` : `${this.x.label} ${this.x.log} ${this.x.decade}`;
      if (!links.has(key)) links.set(key, { panels: [], at: null });
      this.link = links.get(key);
      this.link.panels.push(this);
      this.layers(width, height);
      this.listen();
    }

    // The layers over and around the picture that the script draws on.
    layers(width, height) {
      const { left, top } = this.frame;
      const box = { x: left, y: top, width, height };
      // Pictures within the picture, which cut off what is zoomed out of view: one for all neighbours that move.
      this.windows = [];
      for (const moving of [...this.group.children].filter((g) => g.matches("[data-series],[data-band],[data-part=contours]"))) {
        let window = moving.previousElementSibling;
        if (!window || window !== this.windows.at(-1)) {
          window = add(this.group, "svg", { ...box, viewBox: `${left} ${top} ${width} ${height}`, overflow: "visible" });
          moving.before(window);
          this.windows.push(window);
        }
        window.append(moving);
      }
      const all = (selector) => this.windows.flatMap((window) => [...window.querySelectorAll(selector)]);
      const fixed = (element) => element.closest("[data-at]");
      this.paths = all("path").filter((path) => !fixed(path)).map((element) => ({ element, d: element.getAttribute("d") }));
      this.marks = all("[data-at]").map((element) => ({ element, at: element.dataset.at.split(" ").map(Number) }));
      this.grid = this.group.querySelector("[data-part=grid]");
      this.ticks = this.group.querySelector("[data-part=ticks]");
      this.rule = add(this.group, "line", { class: "rule", display: "none", y1: top, y2: top + height });
      this.dots = add(this.group, "g");
      this.box = add(this.group, "rect", { class: "box", display: "none" });
      this.hit = add(this.group, "rect", {
        ...box, class: "hit panel-hit", tabindex: 0, role: "slider", "aria-label": this.name,
        "aria-valuemin": this.x.value(this.x.low), "aria-valuemax": this.x.value(this.x.high),
        "aria-valuenow": this.x.value(this.x.low), "aria-valuetext": "no point chosen",
      });
      this.readout = html(this.figure, "div", { class: "readout", hidden: "", "aria-hidden": "true" });
      this.reset = html(this.figure, "button", { class: "reset", type: "button", hidden: "" }, "Whole range");
    }

    listen() {
      const place = (event) => {
        const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
        const { left, top, width, height } = this.frame;
        return [clamp(p.x, left, left + width), clamp(p.y, top, top + height)];
      };
      let start = null;
      const { hit } = this;
      hit.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        if (event.pointerType !== "touch") {
          start = place(event);
          try { hit.setPointerCapture(event.pointerId); } catch { /* the pointer has gone */ }
        }
        this.point(place(event));
      });
      hit.addEventListener("pointermove", (event) => {
        const end = place(event);
        this.point(end);
        if (!start) return;
        const [x, y, width, height] = this.dragged(start, end);
        for (const [key, value] of Object.entries({ x, y, width, height })) this.box.setAttribute(key, value);
        this.box.setAttribute("display", width || height ? "inline" : "none");
      });
      hit.addEventListener("pointerup", (event) => {
        if (!start) return;
        const [from, to] = [start, place(event)];
        start = null;
        this.box.setAttribute("display", "none");
        const range = (axis, i) => [axis.at(from[i]), axis.at(to[i])].sort((a, b) => a - b);
        const wide = Math.abs(to[0] - from[0]) > CLICK, high = Math.abs(to[1] - from[1]) > CLICK;
        if (wide || high) this.zoom(wide ? range(this.x, 0) : null, high ? range(this.y, 1) : null);
      });
      hit.addEventListener("pointercancel", () => {
        start = null;
        this.box.setAttribute("display", "none");
      });
      hit.addEventListener("pointerleave", () => document.activeElement !== hit && this.leave());
      hit.addEventListener("blur", () => this.leave());
      hit.addEventListener("focus", () => this.link.at === null && hit.matches(":focus-visible") && this.step(0));
      hit.addEventListener("dblclick", () => this.whole());
      hit.addEventListener("keydown", (event) => this.key(event));
      this.reset.addEventListener("click", () => this.whole());
    }

    // The rectangle of a box that is dragged: over the whole frame along an axis that it does not zoom.
    dragged(from, to) {
      const { left, top, width, height } = this.frame;
      const wide = Math.abs(to[0] - from[0]) > CLICK, high = Math.abs(to[1] - from[1]) > CLICK;
      if (!wide && !high) return [left, top, 0, 0];
      const [x, across] = wide ? [Math.min(from[0], to[0]), Math.abs(to[0] - from[0])] : [left, width];
      const [y, down] = high ? [Math.min(from[1], to[1]), Math.abs(to[1] - from[1])] : [top, height];
      return [x, y, across, down];
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const many = Math.max(1, Math.round(this.stops().length / 10));
      const actions = {
        ArrowRight: () => this.step(1), ArrowUp: () => this.step(1),
        ArrowLeft: () => this.step(-1), ArrowDown: () => this.step(-1),
        PageUp: () => this.step(many), PageDown: () => this.step(-many),
        Home: () => this.step(-Infinity), End: () => this.step(Infinity),
        "+": () => this.closer(0.5), "=": () => this.closer(0.5), "-": () => this.closer(2),
        0: () => this.whole(),
        Escape: () => (this.x.zoomed || this.y.zoomed ? this.whole() : this.leave()),
      };
      if (!actions[event.key]) return;
      actions[event.key]();
      event.preventDefault();
    }

    get shown() {
      return this.series.filter(({ label, points }) => !hidden.has(label) && points.length > 0);
    }

    // Where the arrow keys stop: at every point of a curve.
    stops() {
      if (this.plane) {
        const most = Math.max(0, ...this.shown.map(({ points }) => points.length));
        return Array.from({ length: most }, (_, k) => k);
      }
      const values = this.shown.flatMap(({ xs }) => xs);
      return [...new Set(values)].sort((a, b) => a - b);
    }

    // Moves the cursor by so many stops, and what is in view along with it.
    step(by) {
      const stops = this.stops();
      if (stops.length === 0) return;
      const now = this.plane ? (this.link.at?.k ?? -1) : this.link.at === null ? -1 : nearest(stops, this.link.at.x);
      const stop = stops[clamp(now < 0 ? (by > 0 ? Math.min(by, stops.length) - 1 : 0) : now + by, 0, stops.length - 1)];
      if (this.plane) return this.choose({ k: stop });
      const coordinate = this.x.coordinate(stop), half = (this.x.high - this.x.low) / 2;
      if (coordinate < this.x.low || coordinate > this.x.high) this.zoom([coordinate - half, coordinate + half], null);
      this.choose({ x: stop });
    }

    // The pointer is at these pixels.
    point([left, top]) {
      if (this.plane) return this.choose({ left, top });
      const x = this.x.value(this.x.at(left));
      const found = this.shown.map(({ xs }) => xs[nearest(xs, x)]);
      if (found.length === 0) return;
      const off = (value) => Math.abs(this.x.pixel(value) - left);
      this.choose({ x: found.reduce((a, b) => (off(b) < off(a) ? b : a)), top });
    }

    choose(at) {
      this.link.at = at;
      for (const panel of this.link.panels) panel.show();
    }

    leave() {
      this.link.at = null;
      for (const panel of this.link.panels) panel.show();
    }

    // The point of a curve that the cursor chooses.
    chosen({ points, xs }) {
      const { at } = this.link;
      if (!this.plane) {
        const i = nearest(xs, at.x), p = points[i];
        // Between two corners of a line that is constant there.
        const other = points[p.x < at.x ? i + 1 : i - 1];
        return p.x !== at.x && other?.y === p.y && (other.x - at.x) * (p.x - at.x) < 0 ? { ...p, x: at.x } : p;
      }
      if (at.k !== undefined) return points[Math.min(at.k, points.length - 1)];
      const off = (p) => Math.hypot(this.x.pixel(p.x) - at.left, this.y.pixel(p.y) - at.top);
      return points.reduce((a, b) => (off(b) < off(a) ? b : a));
    }

    // Draws the cursor, the points that it chooses, and their values.
    show() {
      const { at } = this.link, { left, width, top, height } = this.frame;
      this.dots.replaceChildren();
      this.readout.hidden = at === null || this.shown.length === 0;
      this.rule.setAttribute("display", "none");
      if (this.readout.hidden) return;
      let rows = this.shown.map((series) => ({ series, p: this.chosen(series) }));
      const inside = (x, y) => x >= left - 0.5 && x <= left + width + 0.5 && y >= top - 0.5 && y <= top + height + 0.5;
      for (const row of rows) {
        row.left = this.x.pixel(row.p.x);
        row.top = this.y.pixel(row.p.y);
        row.color = colorOf(row.series.groups[0]);
        if (inside(row.left, row.top)) {
          const dot = add(this.dots, "circle", { class: "dot", cx: row.left, cy: row.top, r: 4 });
          dot.style.fill = row.color;
        }
      }
      let x = at.left ?? rows[0].left;
      if (!this.plane) {
        x = this.x.pixel(at.x);
        if (x >= left && x <= left + width) {
          this.rule.setAttribute("display", "inline");
          this.rule.setAttribute("x1", x);
          this.rule.setAttribute("x2", x);
        }
      }
      const all = rows.length;
      if (at.top !== undefined && all > MOST_ROWS) rows.sort((a, b) => Math.abs(a.top - at.top) - Math.abs(b.top - at.top));
      rows = rows.slice(0, MOST_ROWS);
      this.write(rows, all, clamp(x, left, left + width));
      const said = rows.map(({ series, p }) => `${series.label || this.y.label} ${this.said(series, p)}`).join(", ");
      this.hit.setAttribute("aria-valuetext", this.plane ? said : `${this.x.label} ${at.x}: ${said}`);
      this.hit.setAttribute("aria-valuenow", this.plane ? rows[0].p.x : at.x);
    }

    said({ band }, p) {
      if (this.plane) return `${p.x}, ${p.y}`;
      const [low, high] = band?.at.get(p.x) ?? [null, null];
      return low === null || high === null ? `${p.y}` : `${p.y} (${low} to ${high})`;
    }

    write(rows, all, x) {
      const { readout, link: { at } } = this;
      readout.replaceChildren();
      if (!this.plane) html(readout, "div", {}, `${this.x.label} ${at.x}`);
      const table = html(readout, "table");
      for (const { series, p, color } of rows) {
        const row = html(table, "tr");
        const head = html(row, "th", { scope: "row" });
        html(head, "i").style.borderColor = color;
        head.append(series.label || this.y.label);
        const value = html(row, "td", {}, this.said(series, p));
        if (!this.plane && p.x !== at.x) html(value, "small", {}, ` at ${p.x}`);
      }
      if (all > rows.length) html(readout, "small", {}, `and ${all - rows.length} more`);
      const frame = this.svg.getBoundingClientRect(), figure = this.figure.getBoundingClientRect();
      const scale = frame.width / this.svg.viewBox.baseVal.width;
      // Beside the cursor, in the half of the frame where fewer of the points are, and within the figure, which may scroll.
      const place = frame.left - figure.left + this.figure.scrollLeft + x * scale;
      const { left, width, top, height } = this.frame;
      const above = rows.filter((row) => row.top < top + height / 2).length;
      const beside = x > left + width / 2 ? place - 12 - readout.offsetWidth : place + 12;
      const border = 2 * above > rows.length ? (top + height - 6) * scale - readout.offsetHeight : (top + 6) * scale;
      readout.style.left = `${clamp(beside, 0, Math.max(0, Math.max(figure.width, frame.width) - readout.offsetWidth))}px`;
      readout.style.top = `${frame.top - figure.top + border}px`;
    }

    // Shows ranges of coordinates: across in all panels that share the axis, up in this one.
    zoom(across, up) {
      if (up) this.y.zoom(...up);
      for (const panel of this.link.panels) {
        if (across) panel.x.zoom(...across);
        panel.redraw();
      }
    }

    closer(factor) {
      const { x, link: { at } } = this;
      const middle = at?.x === undefined ? (x.low + x.high) / 2 : clamp(x.coordinate(at.x), x.low, x.high);
      const half = ((x.high - x.low) * factor) / 2;
      this.zoom([middle - half, middle + half], null);
    }

    whole() {
      for (const panel of this.link.panels) {
        panel.x.reset();
        panel.y.reset();
        panel.redraw();
      }
    }

    redraw() {
      const { x, y } = this, zoomed = x.zoomed || y.zoomed;
      for (const window of this.windows) window.setAttribute("overflow", zoomed ? "hidden" : "visible");
      // Lines from the ends of curves to their labels would lead nowhere.
      for (const lead of this.group.querySelectorAll("[data-label]>path")) lead.setAttribute("display", zoomed ? "none" : "inline");
      const number = (value) => String(Math.round(clamp(value, -1e6, 1e6) * 100) / 100);
      for (const { element, d } of this.paths) {
        const moved = () => d.replace(/([ML])(\S+) ([^MLZ]+)/g, (_, c, a, b) => `${c}${number(x.moved(+a))} ${number(y.moved(+b))}`);
        element.setAttribute("d", zoomed ? moved() : d);
      }
      for (const { element, at: [left, top] } of this.marks)
        element.setAttribute("transform", `translate(${number(x.moved(left) - left)} ${number(y.moved(top) - top)})`);
      for (const part of [this.grid, this.ticks]) {
        if (!part) continue;
        part.setAttribute("display", zoomed ? "none" : "inline");
        part.nextElementSibling?.matches(".zoomed") && part.nextElementSibling.remove();
        if (!zoomed) continue;
        const drawn = add(this.group, "g", { class: "zoomed" });
        part.after(drawn);
        this.ruled(drawn, part);
      }
      this.reset.hidden = !zoomed;
      this.show();
    }

    // The lines of the grid, or ticks and labels, for what is in view; they look like those of `model`.
    ruled(drawn, model) {
      const { left, top, width, height } = this.frame, bottom = top + height;
      const line = model.querySelector("path"), text = model.querySelector("text");
      if (!line) return;
      const look = { stroke: line.getAttribute("stroke"), "stroke-width": line.getAttribute("stroke-width") };
      const ticks = model === this.ticks;
      // A grid without upright lines stays one.
      const upright = [...model.querySelectorAll("path")].some((path) => /^M(\S+) \S+L\1 /.test(path.getAttribute("d")));
      for (const [axis, across] of [[this.x, true], [this.y, false]]) {
        for (const { value, label } of axis.ticks()) {
          const at = Math.floor(axis.pixel(value)) + 0.5, length = label ? 4 : 2;
          if (!ticks && (!label || (across && !upright))) continue;
          if (across) add(drawn, "path", { ...look, d: ticks ? `M${at} ${bottom}L${at} ${bottom + length}` : `M${at} ${top}L${at} ${bottom}` });
          else add(drawn, "path", { ...look, d: ticks ? `M${left - length} ${at}L${left} ${at}` : `M${left} ${at}L${left + width} ${at}` });
          if (!ticks || !label || !text) continue;
          const size = +text.getAttribute("font-size");
          if (axis.bare) continue;
          if (across) add(drawn, "text", { x: at, y: bottom + 7 + size, "font-size": size, "text-anchor": "middle" }, label);
          else add(drawn, "text", { x: left - 7, y: at + 0.36 * size, "font-size": size, "text-anchor": "end" }, label);
        }
      }
    }
  }

  // The place in an ascending list that is nearest to a value.
  function nearest(values, value) {
    let low = 0, high = values.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && value - values[low - 1] <= values[low] - value ? low - 1 : low;
  }

  // The colour that a curve has now, on light or on dark.
  function colorOf(group) {
    const drawn = group?.querySelector("path[fill=none]") ?? group?.querySelector("path,circle");
    if (!drawn) return "currentColor";
    const { stroke, fill } = getComputedStyle(drawn);
    return drawn.getAttribute("fill") === "none" ? stroke : fill;
  }

  // Shows or hides all curves with this label.
  function toggle(label) {
    if (!hidden.delete(label)) hidden.add(label);
    const shown = (shape) => !hidden.has(shape.label) && !hidden.has(shape.of?.label);
    for (const shape of curves.get(label) ?? []) {
      for (const one of [shape, shape.band])
        for (const group of one?.groups ?? []) group.setAttribute("display", shown(one) ? "inline" : "none");
      shape.panel.show();
    }
    for (const entry of entries.get(label)) entry.setAttribute("aria-pressed", String(!hidden.has(label)));
  }

  function legend(entry) {
    const { label } = entry.dataset;
    listed(entries, label).push(entry);
    const { x, y, width, height } = entry.getBBox();
    add(entry, "rect", { class: "hit", x: x - 4, y: y - 3, width: width + 8, height: height + 6, rx: 4 });
    for (const [key, value] of Object.entries({ tabindex: 0, role: "button", "aria-pressed": "true", "aria-label": `Show ${label}` }))
      entry.setAttribute(key, value);
    entry.addEventListener("click", () => toggle(label));
    entry.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      toggle(label);
      event.preventDefault();
    });
  }

  for (const figure of document.querySelectorAll("figure.plot")) {
    const svg = figure.querySelector("svg");
    const { panels, steps } = JSON.parse(figure.querySelector("script").textContent);
    // A picture that can be entered is no longer a single image, and its title would cover the readout.
    const title = svg.querySelector("title");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", title.textContent);
    title.remove();
    panels.forEach((panel, i) => new Panel(figure, svg, svg.querySelector(`[data-panel="${i}"]`), panel, steps));
    svg.querySelectorAll("[data-label]").forEach(legend);
  }
  for (const how of document.querySelectorAll(".how")) how.hidden = false;
})();
