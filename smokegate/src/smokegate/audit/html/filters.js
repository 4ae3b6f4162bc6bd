// The filters over the matrix, and the line that says how much of it is shown.

class Filters {
  constructor(form, bar, buttons, onChange) {
    this.onChange = onChange;
    this.controls = this.made();
    const { order, ...others } = this.controls;
    form.append(...Object.values(others).map((control) => control.label));
    this.reset = el("button", { type: "button", class: "plain", onclick: () => this.set({}) }, "Clear");
    form.append(this.reset);
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const { input } of Object.values(this.controls)) input.addEventListener("input", () => this.changed());
    this.shown = el("span", { class: "shown", role: "status" });
    bar.append(this.shown, el("div", { class: "buttons" }, order.label, buttons));
  }

  made() {
    const layers = [...new Set(ROWS.map((row) => row.layer))];
    const verdicts = VERDICTS.filter((verdict) => ROWS.some((row) => row.verdict === verdict));
    const fates = Object.entries({
      caught: "caught", warned: "caught by a warning only", missed: "not caught", survived: "survived",
      accident: "only by accident", undecided: "undecided", equivalent: "equivalent",
    }).map(([fate, words]) => [fate, words, ROWS.filter((row) => fits(row, fate)).length]);
    return {
      text: field("Search", el("input", { type: "search", placeholder: "endpoint, member, demand" })),
      layer: choice("Layer", layers.map((layer) => [layer, layer])),
      fate: choice("Fate", fates.filter((fate) => fate[2]).map(([fate, words, number]) => [fate, words + " (" + count(number) + ")"])),
      check: choice("Caught by", CHECKS.map((check) => [check, check])),
      verdict: choice("Verdict", verdicts.map((verdict) => [verdict, verdict])),
      alone: tick("By one check alone"),
      order: choice("Order", [["", "weakest first"], ["name", "by path"]], false),
    };
  }

  get wanted() {
    const values = {};
    for (const [name, { input }] of Object.entries(this.controls)) {
      values[name] = input.type === "checkbox" ? input.checked : input.value.trim();
    }
    return { ...values, text: values.text.toLowerCase() };
  }

  // Choose these filters and no others.
  set(values) {
    for (const [name, { input }] of Object.entries(this.controls)) {
      if (input.type === "checkbox") input.checked = Boolean(values[name]);
      else if (name !== "order") input.value = values[name] || "";
    }
    this.changed();
  }

  changed() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.apply());
  }

  apply() {
    const wanted = this.wanted;
    const rows = ROWS.filter((row) => matches(row, wanted));
    const isFiltered = rows.length < ROWS.length;
    this.reset.disabled = !isFiltered;
    this.shown.textContent = isFiltered
      ? count(rows.length) + " of " + several(ROWS.length, "fault") + " shown"
      : several(ROWS.length, "fault");
    this.onChange(rows, { isFiltered, order: wanted.order, check: wanted.check });
  }
}

function field(words, input) {
  return { label: el("label", {}, words, input), input };
}

function choice(words, options, hasAny = true) {
  const any = hasAny ? [el("option", { value: "" }, "any")] : [];
  return field(words, el("select", {}, any, options.map(([value, name]) => option(value, name))));
}

// The value is set as it is: what a filter compares must not be written out.
function option(value, name) {
  const made = el("option", {}, name);
  made.value = value;
  return made;
}

function tick(words) {
  const input = el("input", { type: "checkbox" });
  return { label: el("label", { class: "tick" }, input, words), input };
}
