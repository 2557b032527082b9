
// Actions are offered by the admin socket alone; elsewhere the document lists none.

function drawActions(doc) {
  at("actions-note").hidden = doc.actions.length > 0;
  refill(at("buttons"), doc.actions, () => doc.actions.map((a) => actionButton(a, a.name, "danger")));
  drawFiles(doc.model_files);
}

/** refill puts new children into a box only where what they show is new: a button must
    not go away under a finger. */
function refill(box, shown, make) {
  const key = JSON.stringify(shown);
  if (box.dataset.shows === key) return;
  box.dataset.shows = key;
  box.replaceChildren(...make());
}

/** actionButton asks first; what says what is done and to what. */
function actionButton(action, what, mood) {
  const button = el("button", { type: "button", class: mood, title: action.help, "aria-label": what }, action.name);
  button.addEventListener("click", () => confirmAction(what, action));
  return button;
}

const ROLE_MOODS = { serving: "good", invalid: "bad", shadow: "warn", share: "warn" };

/** drawFiles lists the models of the folder, with what may be done about each. */
function drawFiles(files) {
  at("files").hidden = !files;
  if (!files) return;
  at("files-note").textContent = files.problem || (files.folder ? "of " + files.folder : "The built-in models serve; a folder of models (--models) could be managed here.");
  refill(at("files-list"), files.models, () => files.models.map((m) => el("li", null,
    el("div", { class: "file" },
      el("b", null, m.kind), el("code", null, m.model),
      el("span", { class: "badge " + (ROLE_MOODS[m.role] ?? "") }, m.role + (m.share ? " " + part(m.share, 1) : "")),
      el("span", { class: "sub" }, [m.file, m.single_ns ? duration(m.single_ns) + " a question" : ""].filter(Boolean).join(", "))),
    el("div", { class: "buttons" }, ...m.actions.map((a) => actionButton(a, a.name + " " + m.model, ""))),
    m.problem ? el("p", { class: "why" }, m.problem) : null)));
}

/** confirmAction asks first: what is done here, the kernel's side feels. */
function confirmAction(name, action) {
  const yes = el("button", { type: "button", class: "danger" }, "Yes, " + name[0].toLowerCase() + name.slice(1));
  const no = el("button", { type: "button", autofocus: "" }, "Leave it");
  const said = el("p", { class: "sub", role: "status" });
  const dialog = el("dialog", { "aria-labelledby": "h-confirm" },
    el("h3", { id: "h-confirm" }, name + "?"), el("p", null, sentence(action.help)), el("div", { class: "buttons" }, no, yes), said);
  no.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    try {
      const answer = await fetch(action.path, { method: "POST" });
      if (!answer.ok) throw new Error(await complaint(answer));
      dialog.close();
      poll();
    } catch (error) {
      said.textContent = "It was not done: " + error.message;
      yes.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** sentence makes one of a phrase. A model's name keeps its own first letter. */
const sentence = (phrase) => (/^\S*@/.test(phrase) ? phrase[0] : phrase[0].toUpperCase()) + phrase.slice(1) + ".";

/** complaint gives what an answer that is no success says. */
async function complaint(answer) {
  const text = await answer.text();
  try { return JSON.parse(text).error || text; } catch { return answer.status + " " + text.slice(0, 200); }
}
