
// The parts of the page that are not charts, each drawn anew from the document.

const SOURCES = ["model", "cache", "stale", "rule", "none"];
const KINDS = ["workload", "threat", "failure", "memory"];
const SOURCE_NAMES = { model: "model", cache: "cache", stale: "stale", rule: "rule", none: "refused" };
const colour = (name) => `var(--${name})`;

function figure(id, text, unit, mood) {
  const node = at(id);
  node.className = "big " + (mood ?? "");
  node.replaceChildren(text, ...(unit ? [el("small", null, unit)] : []));
}

function drawTiles(doc, samples) {
  const minute = samples.slice(-60), late = minute.reduce((n, s) => n + s.late, 0);
  const answers = minute.reduce((n, s) => n + sum(s.answers, ["model", "cache", "stale", "rule"]), 0);
  const kept = answers ? (answers - late) / answers : 1;
  figure("t-budget", share(answers - late, answers), "", kept < 0.99 ? "bad" : kept < 0.999 ? "warn" : "");
  at("t-budget-sub").textContent = `${count(late)} late in the last minute; default ${round(duration(doc.budget_ns))}`;
  const l = doc.latency, [value, unit] = duration(l.p99_ns).split(NB);
  figure("t-p99", value, unit, l.p99_ns > doc.budget_ns ? "warn" : "");
  at("t-p99-sub").textContent = l.n ? `p50 ${duration(l.p50_ns)}, p99.9 ${duration(l.p999_ns)}; last ${doc.window_ns / 1e9} s` : `no calls in the last ${doc.window_ns / 1e9} s`;
  const last = samples.at(-1), now = last ? sum(last.answers) : 0;
  figure("t-rate", rate(now), "/s");
  at("t-rate-sub").textContent = `${count(sumKinds(doc, SOURCES))} since the start, ${count(sumKinds(doc, ["none"]))} refused`;
  const hits = minute.reduce((n, s) => n + (s.answers.cache ?? 0), 0), stale = minute.reduce((n, s) => n + (s.answers.stale ?? 0), 0);
  figure("t-cache", share(hits, answers));
  at("t-cache-sub").textContent = answers ? `and ${part(stale, answers)} stale, in the last minute` : "no answers in the last minute";
}

const sumKinds = (doc, sources) => doc.kinds.reduce((n, k) => n + sum(k.answers, sources), 0);

function drawKinds(doc, samples) {
  const last = samples.at(-1);
  at("kinds").replaceChildren(...doc.kinds.map((k) => el("article", { class: "card kind" },
    el("div", { class: "top" },
      el("div", null, el("h3", null, k.kind), el("p", { class: "sub" }, k.subsystem)),
      el("p", { class: "rate" }, rate(last?.kinds[k.kind] ?? 0), el("small", null, " /s"))),
    shareBar(k),
    badges(k),
    k.model.name || sum(k.answers) ? el("p", { class: "mono sub" }, k.model.name || (["none", "off"].includes(k.model.state) ? "no model has answered yet" : "a model without a name")) : null,
    ...duels(k.score),
    k.upstream.failing ? el("p", { class: "why" }, k.upstream.failing) : null)));
}

function shareBar(k) {
  const all = sum(k.answers), text = SOURCES.filter((s) => k.answers[s]).map((s) => `${SOURCE_NAMES[s]} ${part(k.answers[s], all)}`).join(", ");
  return el("div", null,
    el("div", { class: "share", role: "img", "aria-label": text || "no answers yet" },
      ...SOURCES.filter((s) => k.answers[s]).map((s) => el("i", { style: { width: 100 * k.answers[s] / all + "%", background: colour(s) } }))),
    el("p", { class: "sub" }, text || "no answers yet"));
}

const MOODS = {
  serving: "good", closed: "", none: "", open: "bad", "half-open": "warn", demoted: "warn", "partly demoted": "warn", shadow: "", canary: "warn", off: "bad",
};

function badges(k) {
  const badge = (state, text) => el("span", { class: "badge " + (MOODS[state] ?? "") }, text);
  return el("div", { class: "badges" },
    badge(k.model.state, k.model.state === "none" ? (sum(k.answers) ? "no model" : "not asked yet") : k.model.state),
    badge(k.upstream.breaker, "breaker " + k.upstream.breaker),
    k.latency.n ? el("span", { class: "badge" }, "p99 " + duration(k.latency.p99_ns)) : null);
}

/** duels has a duel for each value of a prediction that is judged by itself. */
function duels(score) {
  const judged = score.targets.filter((t) => t.recent_model_error !== null && t.recent_rule_error !== null);
  if (!judged.length) {
    return [el("p", { class: "sub" }, score.joined ? "nothing of a model judged yet" : "no outcomes reported yet")];
  }
  // A model that has no word of its own on a value says what the rule says: a line for all of these.
  const own = judged.length > 1 ? judged.filter((t) => t.model_error !== t.rule_error) : judged;
  const alike = judged.filter((t) => !own.includes(t)).map((t) => titled(t, score.targets)).join(", ");
  return [...own.map((t) => duel(t, judged.length > 1 ? titled(t, score.targets) : null)), alike ? el("p", { class: "sub" }, `model and rule alike: ${alike}`) : null];
}

/** titled names a target, and whether the questions that it is about tell more, where some of them do. */
function titled(t, targets) {
  const more = targets.find((o) => o.target === t.target && o.with)?.with;
  return more ? `${t.target} ${t.with ? "with" : "without"} ${more}` : t.target;
}

/** duel draws the model's error beside the rule's on the same cases; title says about what, where there are several. */
function duel(target, title) {
  const model = target.recent_model_error, rule = target.recent_rule_error;
  const most = Math.max(model, rule) || 1;
  const row = (name, value, tint) => [
    el("span", null, name),
    el("span", { class: "rail" }, el("i", { style: { width: 100 * value / most + "%", background: colour(tint) } })),
    el("b", null, value.toPrecision(3)),
  ];
  const gain = rule > 0 ? (rule - model) / rule : model > 0 ? -1 : 0;
  const better = gain > 0 ? `model ${Math.round(100 * gain)} % better` : gain < 0 ? `rule ${Math.round(100 * (model ? (model - rule) / model : 0))} % better` : "no difference";
  return el("div", { class: "duel" },
    el("h4", null, title, el("span", { class: "verdict " + (gain > 0 ? "good" : gain < 0 ? "warn" : "") }, better)),
    ...row("model", model, "model"), ...row("rule", rule, "rule"),
    el("p", { class: "sub" }, `${target.measure}; ${count(target.judged)} judged${target.demoted ? "; the rule's is given" : ""}`));
}

function drawErrors(doc) {
  const now = Date.parse(doc.now), list = at("errors");
  if (!doc.notices.length) {
    list.replaceChildren(el("li", { class: "nothing" }, "None since the start."));
    return;
  }
  list.replaceChildren(...[...doc.notices].reverse().map((n) => el("li", null,
    el("span", { class: "badge " + (n.level === "warn" ? "warn" : "bad") }, n.level),
    el("div", null, el("time", { datetime: n.at }, ago(now - Date.parse(n.at))), n.text),
    n.detail ? el("div", { class: "detail mono" }, n.detail) : null)));
}

function drawWhy(doc) {
  const reasons = Object.entries(doc.fallbacks).filter(([, n]) => n).sort((a, b) => b[1] - a[1]);
  const most = reasons[0]?.[1];
  at("why").replaceChildren(...reasons.map(([why, n]) => el("div", null,
    el("dt", null, why), el("dd", { class: "rail" }, el("i", { style: { width: 100 * n / most + "%" } })), el("dd", null, count(n)))));
  if (!reasons.length) {
    at("why").replaceChildren(el("div", { class: "nothing" }, el("dt", null, "None"), el("dd", null, sumKinds(doc, SOURCES) ? "they all were fresh" : "no answers yet")));
  }
}

function drawFacts(doc) {
  const s = doc.socket, up = doc.health.upstream;
  const facts = [
    ["daemon", up.address], ["state", up.state + (up.format ? ", " + up.format : "")],
    ["open connections", count(s.connections)], ["accepted", count(s.accepted)], ["turned away", count(s.refused)],
    ["broke the protocol", count(s.faults)], ["did not read", count(s.stuck)], ["invalid questions", count(s.invalid)],
  ];
  at("facts").replaceChildren(...facts.flatMap(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
}
