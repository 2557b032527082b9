
// The parts of the page that are not charts, each drawn anew from the document.

const SOURCES = ["model", "cache", "stale", "rule", "none"];
const KINDS = ["workload", "threat", "failure", "memory"];
const SOURCE_NAMES = { model: "model", cache: "cache", stale: "stale", rule: "rule", none: "refused" };
const colour = (name) => `var(--${name})`;

function figure(id, text, unit, mood) {
  at(id).className = "big " + (mood ?? "");
  renew(at(id), text, unit ? el("small", null, unit) : null);
}

function drawTiles(doc, samples) {
  const minute = samples.slice(-60), late = minute.reduce((n, s) => n + s.late, 0);
  const answers = minute.reduce((n, s) => n + sum(s.answers, ["model", "cache", "stale", "rule"]), 0);
  const kept = answers ? (answers - late) / answers : 1;
  figure("t-budget", share(answers - late, answers), "", kept < 0.99 ? "bad" : kept < 0.999 ? "warn" : "");
  at("t-budget-sub").textContent = answers ? `${count(late)} late in the last minute` : "no answers in the last minute";
  const l = doc.latency, [value, unit] = duration(l.p99_ns).split(NB);
  figure("t-p99", value, unit);
  at("t-p99-sub").textContent = l.n ? `p50 ${duration(l.p50_ns)}, p99.9 ${duration(l.p999_ns)}; last ${doc.window_ns / 1e9} s` : `no answers in the last ${doc.window_ns / 1e9} s`;
  const last = samples.at(-1), now = last ? sum(last.answers) : 0;
  const hits = minute.reduce((n, s) => n + (s.answers.cache ?? 0), 0), refused = sumKinds(doc, ["none"]);
  figure("t-rate", rate(now), "/s");
  at("t-rate-sub").textContent = [`${count(sumKinds(doc, SOURCES))} since the start`, answers ? part(hits, answers) + " lately from the cache" : "",
    refused ? count(refused) + " refused" : ""].filter(Boolean).join(", ");
  drawDuelsTile(doc);
}

const sumKinds = (doc, sources) => doc.kinds.reduce((n, k) => n + sum(k.answers, sources), 0);

function drawKinds(doc, samples) {
  const last = samples.at(-1), box = at("kinds");
  box.classList.toggle("judged", doc.kinds.some((k) => duels(k.score).length > 0));
  renew(box, ...doc.kinds.map((k) => el("article", { class: "card kind " + k.kind },
    el("div", { class: "top" },
      el("div", null, el("h3", null, k.kind), el("p", { class: "sub" }, k.subsystem)),
      el("p", { class: "rate" }, rate(last?.kinds[k.kind] ?? 0), el("small", null, " /s"), k.latency.n ? el("small", { class: "line" }, "p99 " + duration(k.latency.p99_ns)) : null)),
    shareBar(k, doc.window_ns),
    el("div", { class: "badges" }, ...badges(k),
      k.model.name || sum(k.answers) ? el("span", { class: "mono sub" }, k.model.name || (["none", "off"].includes(k.model.state) ? "no model has answered yet" : "a model without a name")) : null),
    ...scores(k.score),
    doc.health.drifted[k.kind] ? el("p", { class: "sub" }, "inputs drifted: " + doc.health.drifted[k.kind].join(", ")) : null,
    k.upstream.failing ? el("p", { class: "why" }, k.upstream.failing) : null)));
}

/** shareBar says where answers come from: now, or where nobody asks since the start. */
function shareBar(k, window) {
  const now = sum(k.recent) > 0, answers = now ? k.recent : k.answers, all = sum(answers), from = SOURCES.filter((s) => answers[s]);
  const text = from.map((s) => `${SOURCE_NAMES[s]} ${part(answers[s], all)}`).join(", ");
  return el("div", null,
    el("div", { class: "share", role: "img", "aria-label": text || "no answers yet" },
      ...from.map((s) => el("i", { style: { width: 100 * answers[s] / all + "%", background: colour(s) } }))),
    el("p", { class: "sub" }, text ? `${now ? `last ${window / 1e9} s` : "since the start"}: ${text}` : "no answers yet"));
}

const MOODS = {
  serving: "good", none: "", open: "bad", "half-open": "warn", demoted: "warn", "partly demoted": "warn", shadow: "", canary: "warn", off: "bad",
};

function badges(k) {
  const badge = (state, text) => el("span", { class: "badge " + (MOODS[state] ?? "") }, text);
  return [
    badge(k.model.state, k.model.state === "none" ? (sum(k.answers) ? "no model" : "not asked yet") : k.model.state),
    k.upstream.breaker === "closed" ? null : badge(k.upstream.breaker, "breaker " + k.upstream.breaker),
  ];
}

function drawErrors(doc) {
  const now = Date.parse(doc.now);
  if (!doc.notices.length) {
    renew(at("errors"), el("li", { class: "nothing" }, "None since the start."));
    return;
  }
  renew(at("errors"), ...[...doc.notices].reverse().map((n) => el("li", null,
    el("span", { class: "badge " + (n.level === "warn" ? "warn" : "bad") }, n.level),
    el("div", null, el("time", { datetime: n.at }, (n.times > 1 ? `${count(n.times)} times, last ` : "") + ago(now - Date.parse(n.at))), n.text),
    n.detail ? el("div", { class: "detail mono" }, n.detail) : null)));
}

function drawWhy(doc) {
  const reasons = Object.entries(doc.fallbacks).filter(([, n]) => n).sort((a, b) => b[1] - a[1]);
  const most = reasons[0]?.[1];
  renew(at("why"), ...reasons.map(([why, n]) => el("div", null,
    el("dt", null, why), el("dd", { class: "rail" }, el("i", { style: { width: 100 * n / most + "%" } })), el("dd", null, count(n)))));
  at("why").hidden = !reasons.length;
  at("why-none").hidden = reasons.length > 0;
  at("why-none").textContent = sumKinds(doc, SOURCES) ? "It always was." : "No answers yet.";
}

function drawFacts(doc) {
  const s = doc.socket, up = doc.health.upstream;
  const facts = [
    ["daemon", up.address], ["state", up.state + (up.format ? ", " + up.format : "")],
    ...(up.endpoints?.length > 1 ? up.endpoints.map((e, i) => ["daemon " + (i + 1), e.address + " " + e.state]) : []),
    ["open connections", count(s.connections)], ["accepted", count(s.accepted)], ["turned away", count(s.refused)],
    ["broke the protocol", count(s.faults)], ["did not read", count(s.stuck)], ["invalid questions", count(s.invalid)],
  ];
  renew(at("facts"), ...facts.flatMap(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
}
