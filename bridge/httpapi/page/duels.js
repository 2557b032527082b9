
// Model against rule on the same cases: the values of a prediction are judged each by
// itself, and apart where questions tell more.

const TOLD = { past: "a past" }; // as people say it; the others as they are called

/** duels are the values on which model and rule were judged and do not say the same. */
function duels(score) {
  return score.targets.filter((t) => t.recent_model_error !== null && t.recent_rule_error !== null && t.model_error !== t.rule_error);
}

/** verdict says who was better lately, where chance explains it in less than one case in a
    hundred (the bounds are those that demote a model). */
function verdict(t, standings) {
  const s = standings.find((s) => s.serving && !s.stale && s.target === t.target && s.with === t.with);
  const model = t.recent_model_error, rule = t.recent_rule_error;
  if (!s || s.low === null) return { who: "", text: "too few to say" };
  if (s.low > 0 && model < rule) return { who: "model", text: `model ${percent(1 - model / rule)} better`, mood: "good" };
  if (s.high < 0 && rule < model) return { who: "rule", text: `rule ${percent(1 - rule / model)} better`, mood: "warn" };
  return { who: "", text: model === rule ? "no difference" : "unclear" };
}

const percent = (gain) => (gain < 0.0995 ? part(gain, 1) : Math.round(100 * gain) + NB + "%");

/** drawDuelsTile counts the values at which the models that serve are better. */
function drawDuelsTile(doc) {
  const rows = doc.kinds.flatMap((k) => duels(k.score).map((t) => ({ ...t, who: verdict(t, k.score.standings).who })));
  const better = rows.filter((r) => r.who === "model").length, worse = rows.filter((r) => r.who === "rule").length;
  const ruled = rows.filter((r) => r.demoted).length, unclear = rows.length - better - worse;
  const off = doc.kinds.some((k) => k.model.state === "off");
  figure("t-duels", rows.length ? `at ${better} of ${rows.length}` : "–");
  at("t-duels-sub").textContent = rows.length ? ["values judged", worse ? worse + " worse" : "", unclear ? unclear + " unclear" : "",
    off ? "the models are off" : ruled ? "the rule serves at " + ruled : ""].filter(Boolean).join(", ")
    : doc.kinds.some((k) => k.score.joined) ? "nothing of a model judged yet" : "no outcomes reported yet";
}

/** scores has a table for each measure, a row for each value that is judged by it. */
function scores(score) {
  const judged = score.targets.filter((t) => t.recent_model_error !== null && t.recent_rule_error !== null);
  if (!judged.length) return [el("p", { class: "sub" }, score.joined ? "nothing of a model judged yet" : "no outcomes reported yet")];
  const own = duels(score), measures = [...new Set(own.map((t) => t.measure))];
  // A model that has no word of its own on a value says what the rule says: a line for all of these.
  const alike = judged.filter((t) => !own.includes(t)).map((t) => [t.target, asked(t, score.targets)].filter(Boolean).join(" ")).join(", ");
  const stale = score.standings.filter((s) => s.serving && s.stale && s.demoted).map((s) => s.target).join(", ");
  return [
    el("div", { class: "duels" }, ...measures.map((m) => el("table", null, el("caption", null, m),
      el("thead", null, el("tr", null, el("td"), el("th", { scope: "col" }, "model"), el("th", { scope: "col" }, "rule"), el("td"))),
      el("tbody", null, ...own.filter((t) => t.measure === m).map((t) => row(t, score)))))),
    alike ? el("p", { class: "sub" }, `model and rule alike: ${alike}`) : null,
    stale ? el("p", { class: "sub" }, `where the model does not answer, the rule has been better than what it said earlier, and serves: ${stale}`) : null,
  ];
}

/** asked says whether the questions told more, where some of them do. */
function asked(t, targets) {
  const more = targets.find((o) => o.target === t.target && o.with)?.with;
  return more ? `asked ${t.with ? "with" : "without"} ${TOLD[more] ?? more}` : "";
}

function row(t, score) {
  const model = t.recent_model_error, rule = t.recent_rule_error, most = Math.max(model, rule) || 1, v = verdict(t, score.standings);
  const error = (value, tint) => el("td", null, value && value < 0.001 ? value.toExponential(1) : value.toPrecision(3),
    el("span", { class: "rail" }, el("i", { style: { width: 100 * value / most + "%", background: colour(tint) } })));
  return el("tr", null,
    el("th", { scope: "row" }, t.target, el("small", null, [asked(t, score.targets), count(t.judged) + " judged"].filter(Boolean).join(", "))),
    error(model, "model"), error(rule, "rule"),
    el("td", { class: "verdict " + (v.mood ?? "") }, v.text, t.demoted ? el("small", null, "the rule serves" + (v.who === "rule" ? "" : ", until the model is clearly better")) : null));
}
