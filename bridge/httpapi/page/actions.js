
// Actions are offered by the admin socket alone; elsewhere the document lists none.

function drawActions(doc) {
  const names = doc.actions.join(" ");
  if (at("buttons").dataset.names === names) return;
  at("buttons").dataset.names = names;
}
