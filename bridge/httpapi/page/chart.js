
// Charts of the last five minutes. A chart redraws as a whole: a few paths a second
// cost less than keeping track of what moved.

const SPAN = 300_000; // ms

/** spans are what a chart may look back over: a young bridge fills a short one. */
const SPANS = [[60_000, "the last minute"], [120_000, "the last two minutes"], [SPAN, "the last five minutes"]];

class Chart {
  /**
   * series: [{name, colour, get(sample), dash}], drawn from the first to the last;
   * options: stack, log, format(value), limit() for a dashed line, unit for the label.
   */
  constructor(node, series, options) {
    Object.assign(this, { node, series, options, samples: [], now: Date.now(), pointed: null, span: SPAN, lately: SPANS.at(-1)[1] });
    this.svg = el("svg", { role: "img", tabindex: "0" });
    this.tip = el("div", { class: "tip", hidden: "" });
    this.legend = el("ul", { class: "legend" });
    node.append(this.legend, this.svg, this.tip);
    new ResizeObserver(() => this.draw()).observe(node);
    const point = (e) => this.point(e.clientX - this.svg.getBoundingClientRect().left);
    this.svg.addEventListener("pointermove", point);
    this.svg.addEventListener("pointerdown", point);
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("blur", () => this.point(null));
    this.svg.addEventListener("keydown", (e) => this.key(e));
  }

  update(samples, now) {
    this.samples = samples.filter((s) => s.t > now - SPAN);
    this.now = now;
    const age = this.samples.length ? now - this.samples[0].t : 0;
    [this.span, this.lately] = SPANS.find(([ms]) => age <= ms) ?? SPANS.at(-1);
    this.draw();
  }

  /** names are the series that have anything to show, and always the first. */
  shown() {
    return this.series.filter((s, i) => i === 0 || s.always || this.samples.some((p) => s.get(p) > 0));
  }

  draw() {
    const width = this.node.clientWidth, height = this.svg.clientHeight;
    if (!width || !height) return;
    this.box = { left: 52, right: width - 8, top: 8, bottom: height - 20 };
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const shown = this.shown();
    const values = this.samples.map((p) => shown.map((s) => s.get(p)));
    const scale = this.scale(values);
    const parts = [...this.axes(scale)];
    if (this.options.stack) parts.push(...this.stacked(shown, values, scale));
    else shown.forEach((s, i) => parts.push(this.line(s, values.map((v) => v[i]), scale)));
    const limit = this.options.limit?.();
    if (limit) {
      const y = scale.y(limit.value);
      parts.push(el("path", { class: "limit", d: `M${this.box.left} ${y}H${this.box.right}`, style: { stroke: limit.colour } }));
    }
    if (!this.samples.some((p) => shown.some((s) => s.get(p) > 0))) {
      parts.push(el("text", { class: "empty", x: (this.box.left + this.box.right) / 2, y: height * 0.3 }, `${this.options.none ?? "no calls"} in ${this.lately}`));
    }
    this.svg.replaceChildren(...parts);
    this.drawLegend(shown, limit);
    if (this.pointed !== null) this.mark();
  }

  x(t) { return this.box.right - (this.now - t) / this.span * (this.box.right - this.box.left); }

  scale(values) {
    const { top, bottom } = this.box;
    const limit = this.options.limit?.()?.value ?? 0;
    if (this.options.log) {
      const all = values.flat().filter((v) => v > 0).concat(limit || []);
      const low = 10 ** Math.floor(Math.log10(Math.min(...all, 1e5))), high = 10 ** Math.ceil(Math.log10(Math.max(...all, low * 10) * 1.05));
      const decades = Math.log10(high / low);
      const ticks = Array.from({ length: Math.round(decades) + 1 }, (_, i) => low * 10 ** i);
      return { ticks, y: (v) => bottom - Math.log10(Math.max(v, low) / low) / decades * (bottom - top) };
    }
    const most = highest(values.map((v) => v.reduce((a, b) => a + b, 0)));
    const step = nice(most / 4), high = Math.ceil(most / step) * step;
    const ticks = Array.from({ length: Math.round(high / step) + 1 }, (_, i) => i * step);
    return { ticks, high, y: (v) => bottom - Math.min(v / high, 1) * (bottom - top) };
  }

  *axes(scale) {
    const { left, right, bottom } = this.box;
    for (const v of scale.ticks) {
      const y = Math.round(scale.y(v)) + 0.5;
      yield el("line", { class: "grid", x1: left, x2: right, y1: y, y2: y });
      yield el("text", { x: left - 7, y: y + 4, "text-anchor": "end" }, round(this.options.format(v)));
    }
    const most = right - left > 350 ? 5 : 3; // labels that have room
    const apart = [15_000, 30_000, 60_000, 120_000].find((ms) => this.span / ms <= most);
    for (let ms = 0; ms <= this.span; ms += apart) {
      const anchor = ms === this.span ? "start" : ms ? "middle" : "end";
      yield el("text", { x: this.x(this.now - ms), y: bottom + 16, "text-anchor": anchor }, ms ? "−" + (ms % 60_000 ? ms / 1000 + " s" : ms / 60_000 + " min") : "now");
    }
  }

  /** runs cuts the samples where seconds are missing: nothing is drawn across. */
  *runs() {
    let from = 0;
    for (let i = 1; i <= this.samples.length; i++) {
      if (i === this.samples.length || this.samples[i].t - this.samples[i - 1].t > 3000) {
        yield [from, i];
        from = i;
      }
    }
  }

  line(series, values, scale) {
    let d = "", pen = false, before = 0;
    this.samples.forEach((p, i) => {
      const there = values[i] > 0;
      if (there) d += `${pen && p.t - before < 3000 ? "L" : "M"}${this.x(p.t).toFixed(1)} ${scale.y(values[i]).toFixed(1)}`;
      if (there && !pen && !(values[i + 1] > 0)) d += "m-2 0h4"; // a single sample shows as a dash
      pen = there;
      before = p.t;
    });
    return el("path", { class: "line", d, "stroke-linecap": "round", style: { stroke: series.colour } });
  }

  *stacked(shown, values, scale) {
    const base = values.map(() => 0);
    for (const [i, series] of shown.entries()) {
      const low = [...base];
      values.forEach((v, n) => { base[n] += v[i]; });
      let d = "";
      for (const [from, to] of this.runs()) {
        const edge = (heights) => this.samples.slice(from, to).map((p, n) => `${this.x(p.t).toFixed(1)} ${scale.y(heights[from + n]).toFixed(1)}`);
        d += `M${edge(base).join("L")}L${edge(low).reverse().join("L")}Z`;
      }
      yield el("path", { class: "area", d, style: { fill: series.colour } });
    }
    const peak = base.indexOf(Math.max(...base));
    if (base[peak] > scale.high) { // a peak that the scale cuts off says how high it was
      const x = this.x(this.samples[peak].t), left = x > (this.box.left + this.box.right) / 2;
      yield el("text", { class: "peak", x: x + (left ? -6 : 6), y: this.box.top + 10, "text-anchor": left ? "end" : "start" }, "↑ " + this.options.format(base[peak]));
    }
  }

  drawLegend(shown, limit) {
    const last = this.samples.at(-1);
    const items = shown.map((s) => el("li", null,
      el("i", { style: { background: s.colour } }), s.name + " ", el("b", null, last ? this.options.format(s.get(last)) : "–")));
    if (limit) items.push(el("li", null, el("i", { class: "dash", style: { "border-color": limit.colour } }), limit.name + " ", el("b", null, round(this.options.format(limit.value)))));
    this.legend.replaceChildren(...items);
    this.svg.setAttribute("aria-label", this.options.label + ", " + this.lately + "; now " +
      shown.map((s) => `${s.name} ${last ? this.options.format(s.get(last)) : "nothing"}`).join(", "));
  }

  key(e) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!step || !this.samples.length) return;
    e.preventDefault();
    const i = this.pointed === null ? this.samples.length - 1 : this.nearest(this.pointed) + step;
    this.pointed = this.samples[Math.min(Math.max(i, 0), this.samples.length - 1)].t;
    this.draw();
  }

  point(x) {
    if (x === null || !this.samples.length) this.pointed = null;
    else this.pointed = this.now - (this.box.right - x) / (this.box.right - this.box.left) * this.span;
    if (this.pointed === null) this.tip.hidden = true;
    this.draw();
  }

  nearest(t) {
    let best = 0;
    this.samples.forEach((p, i) => { if (Math.abs(p.t - t) < Math.abs(this.samples[best].t - t)) best = i; });
    return best;
  }

  mark() {
    const p = this.samples[this.nearest(this.pointed)];
    if (!p) return;
    const x = this.x(p.t);
    this.svg.append(el("line", { class: "cross", x1: x, x2: x, y1: this.box.top, y2: this.box.bottom }));
    const rows = this.shown().map((s) => el("tr", null,
      el("td", null, el("i", { style: { background: s.colour } }), s.name), el("td", null, this.options.format(s.get(p)))));
    this.tip.replaceChildren(el("div", { class: "sub" }, new Date(p.t).toLocaleTimeString()), el("table", null, ...rows));
    this.tip.hidden = false;
    const room = this.node.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = Math.max(0, Math.min(x > this.node.clientWidth / 2 ? x - this.tip.offsetWidth - 12 : x + 12, room)) + "px";
    this.tip.style.top = this.legend.offsetHeight + 8 + "px";
  }
}

/**
 * highest is where a scale may end: above everything, unless a rare peak (fewer than
 * one second in twenty) would press all the rest to the ground.
 */
function highest(totals) {
  const sorted = [...totals].sort((a, b) => a - b), usual = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  const most = Math.max(1, sorted.at(-1) ?? 0);
  return usual > 0 && most > 5 * usual ? 1.5 * usual : most;
}

/** nice rounds a step up to 1, 2 or 5 times a power of ten. */
function nice(step) {
  const power = 10 ** Math.floor(Math.log10(Math.max(step, 1)));
  return power * [1, 2, 5, 10].find((f) => f * power >= step);
}
