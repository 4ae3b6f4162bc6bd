// Elements are made here and nowhere else: text becomes text nodes, never markup.

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, visible(value));
  }
  made.append(...children.flat().filter((each) => each !== "" && each !== null && each !== undefined).map(node));
  return made;
}

function node(child) {
  return child instanceof Node ? child : document.createTextNode(visible(child));
}

function at(id) {
  return document.getElementById(id);
}

// A bar of the kinds of faults, in parts of all that there are.
function stack(kinds, more) {
  const bar = el("span", { class: "stack " + (more || ""), "aria-hidden": "true" });
  for (const kind of KINDS) {
    const number = kinds.get(kind);
    if (!number) continue;
    const part = el("i", { class: kind, title: several(number, "fault") + ": " + (MEANINGS[kind] || FATES[kind]) });
    part.style.flexGrow = number;
    bar.append(part);
  }
  return bar;
}

function key(kind) {
  return el("span", { class: "key " + kind, "aria-hidden": "true" });
}

// The name of a check for a narrow place: its suite stands beside it.
function short(check) {
  return check.slice(check.indexOf(".") + 1).replace(/^test_/, "");
}

// The whole name, which may be broken where its words end.
function whole(check) {
  return check.split(/(?<=[._])/).flatMap((part, index) => index ? [el("wbr"), part] : [part]);
}

function suiteOf(check) {
  return isResource(check) ? "resources" : check.slice(0, check.indexOf("."));
}

// A check is named after its suite, a resource is not.
function isResource(owner) {
  return !owner.includes(".");
}

function isLeftOut(check) {
  return Object.hasOwn(audit.excluded, check);
}
