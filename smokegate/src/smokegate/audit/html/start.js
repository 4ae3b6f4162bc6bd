// Draw everything.

const card = new Card(at("card"));
const bar = el("div", { class: "bar-above" });
const buttons = [button("Open all", () => matrix.openAll(true)), button("Close all", () => matrix.openAll(false))];
const filters = new Filters(at("filters"), bar, buttons, (rows, how) => matrix.draw(rows, how));
const matrix = new Matrix(at("grid"), card, (check) => filters.set({ ...filters.wanted, check }));

function choose(values) {
  filters.set(values);
  at("matrix").scrollIntoView();
}

function button(words, onclick) {
  return el("button", { type: "button", class: "plain", onclick }, words);
}

at("legend").append(bar, legend());
headline();
layers(choose);
toWrite();
standing(choose);
semantic();
overCatching();
blind();
actedOut();
about();
filters.apply();
