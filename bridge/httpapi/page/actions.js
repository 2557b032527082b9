
// Actions are offered by the admin socket alone; elsewhere the document lists none.

function drawActions(doc) {
  const names = doc.actions.map((a) => a.path).join(" "), box = at("buttons");
  at("actions-note").hidden = doc.actions.length > 0;
  if (box.dataset.names === names) return; // a button must not go away under a finger
  box.dataset.names = names;
  box.replaceChildren(...doc.actions.map((action) => {
    const name = action.path.slice(1).replaceAll("/", " ");
    const button = el("button", { type: "button", class: "danger", title: action.help }, name);
    button.addEventListener("click", () => confirmAction(name, action));
    return button;
  }));
}

/** confirmAction asks first: what is done here, the kernel's side feels. */
function confirmAction(name, action) {
  const yes = el("button", { type: "button", class: "danger" }, "Yes, " + name);
  const no = el("button", { type: "button", autofocus: "" }, "Leave it");
  const said = el("p", { class: "sub", role: "status" });
  const dialog = el("dialog", { "aria-labelledby": "h-confirm" },
    el("h3", { id: "h-confirm" }, name + "?"), el("p", null, action.help + "."), el("div", { class: "buttons" }, no, yes), said);
  no.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    try {
      const answer = await fetch(action.path, { method: "POST" });
      if (!answer.ok) throw new Error(answer.status + " " + (await answer.text()).slice(0, 200));
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
