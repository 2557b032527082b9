
// The page asks for what is new every second. It stops while nobody can see it, asks
// less often while the bridge does not answer, and says how old its numbers are.

const state = { samples: [], doc: null, paused: false, failures: 0, timer: 0, health: "" };

const charts = [
  new Chart(at("c-latency"), [
    { name: "p50", colour: colour("p50"), get: (s) => s.p50_ns, always: true },
    { name: "p99", colour: colour("p99"), get: (s) => s.p99_ns, always: true },
    { name: "p99.9", colour: colour("p999"), get: (s) => s.p999_ns, always: true },
  ], { log: true, format: duration, label: "Latency", none: "no answers", limit: () => state.doc && { name: "default budget", value: state.doc.budget_ns, colour: colour("budget") } }),
  new Chart(at("c-sources"), SOURCES.map((s) => ({ name: SOURCE_NAMES[s], colour: colour(s), get: (p) => p.answers[s] ?? 0 })),
    { stack: true, format: rate, label: "Answers a second by source" }),
  new Chart(at("c-load"), KINDS.map((k) => ({ name: k, colour: colour(k), get: (p) => p.kinds[k] ?? 0, always: true })),
    { stack: true, format: rate, label: "Questions a second by subsystem" }),
];

async function poll() {
  clearTimeout(state.timer);
  if (state.paused || document.hidden) return;
  try {
    const since = state.samples.at(-1)?.t ?? 0;
    const answer = await fetch(`/api/ml/status?since=${since}`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error("the bridge answered " + answer.status);
    const doc = await answer.json();
    if (state.paused) return; // what was under way then changes nothing either
    take(doc);
    state.failures = 0;
  } catch (error) {
    if (++state.failures >= 2) lost(error);
  }
  state.timer = setTimeout(poll, state.failures ? Math.min(1000 * state.failures, 5000) : 1000);
}

function take(doc) {
  if (state.doc && state.doc.started !== doc.started) state.samples = []; // another process
  state.doc = doc;
  state.samples = state.samples.filter((s) => s.t <= Date.parse(doc.now)); // its clock may be set back
  const last = state.samples.at(-1)?.t ?? 0;
  state.samples = state.samples.concat(doc.samples.filter((s) => s.t > last)).slice(-300);
  draw();
}

function draw() {
  const { doc, samples } = state, now = Date.parse(doc.now);
  show(doc.health.live && !doc.health.ready ? "draining" : doc.health.status);
  at("host").textContent = doc.host;
  at("version").textContent = doc.version;
  at("uptime").textContent = "up " + span(now - Date.parse(doc.started));
  at("reasons").hidden = !doc.health.reasons.length;
  renew(at("reasons").querySelector("ul"), ...doc.health.reasons.map((r) => el("li", null, r)));
  at("live").hidden = false;
  drawTiles(doc, samples);
  charts.forEach((c) => c.update(samples, now));
  drawKinds(doc, samples);
  drawErrors(doc);
  drawWhy(doc);
  drawFacts(doc);
  drawActions(doc);
  at("fresh").textContent = "updated " + new Date(now).toLocaleTimeString();
  document.documentElement.dataset.live = "on";
}

function lost(error) {
  show("unreachable");
  document.documentElement.dataset.live = "off";
  at("fresh").textContent = (state.doc ? "numbers of " + new Date(state.doc.now).toLocaleTimeString() : "no numbers yet") + ": " + error.message;
}

/** show sets the pill, whose changes are read aloud: only when it does change. */
function show(health) {
  if (state.health === health) return;
  state.health = health;
  document.documentElement.dataset.health = health;
  document.title = ["ml-bridge: " + health, state.doc?.host].filter(Boolean).join(", ");
  at("health").textContent = health;
}

const THEMES = ["auto", "light", "dark"];
function theme(name) {
  document.documentElement.dataset.theme = name;
  at("theme").textContent = name[0].toUpperCase() + name.slice(1);
  at("theme").setAttribute("aria-label", at("theme").textContent + " colours");
  try { localStorage.setItem("theme", name); } catch { /* private windows keep nothing */ }
}

at("theme").addEventListener("click", () => theme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]));
at("pause").addEventListener("click", () => {
  state.paused = !state.paused;
  at("pause").setAttribute("aria-pressed", state.paused);
  at("pause").textContent = state.paused ? "Go on" : "Pause";
  poll();
});
document.addEventListener("visibilitychange", poll);

let remembered = "auto";
try { remembered = localStorage.getItem("theme"); } catch { /* the default will do */ }
theme(THEMES.includes(remembered) ? remembered : "auto");
document.querySelector(".tools").hidden = false;
poll();
