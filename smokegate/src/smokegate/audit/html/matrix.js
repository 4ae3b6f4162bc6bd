// The matrix: a row of bars for each endpoint, and its faults once it is opened. Rows are made when
// they come near the screen, and a row holds only the cells that are not empty.

const CHUNK = 100;
const ROW_HEIGHT = 22;
const FEW = 80;
const [WIDEST_CELL, NARROWEST_CELL] = [30, 17];

class Matrix {
  constructor(root, card, onCheck) {
    Object.assign(this, { root, card, onCheck });
    this.opened = new Map();
    this.about = new WeakMap();
    this.cross = el("div", { class: "cross", hidden: true });
    this.table = el("div", {
      class: "matrix", role: "treegrid", "aria-label": "Faults by endpoint, and the checks that notice them",
      "aria-colcount": CHECKS.length + 2,
    });
    root.append(this.table);
    this.near = new IntersectionObserver((seen) => this.fillSeen(seen), { rootMargin: "600px 0px" });
    new ResizeObserver(() => this.fit()).observe(root.parentElement);
    this.listen();
    this.fit();
  }

  // Rows to draw; `few` opens all groups. `order` is "weakest" or "name".
  draw(rows, { isFiltered, order, check }) {
    this.near.disconnect();
    this.card.hide();
    const opensAll = isFiltered && rows.length <= FEW;
    const groups = [...grouped(rows, (row) => row.group)].map(([name, there]) => ({ name, there, sum: summed(there) }));
    groups.sort(order === "name" ? byName : byWeakness);
    this.table.replaceChildren(this.head(check), this.total(rows), ...groups.map((group) => this.group(group, opensAll)), this.cross);
    if (!rows.length) this.table.append(el("div", { class: "nothing" }, "No fault is like that."));
    const first = this.table.querySelector(".row[tabindex]");
    if (first) first.tabIndex = 0;
    this.table.setAttribute("aria-rowcount", rows.length + groups.length + 2);
  }

  openAll(isOpen) {
    for (const group of this.table.querySelectorAll(".group")) this.open(group, isOpen);
  }

  head(chosen) {
    const head = el("div", { class: "row head", role: "row" });
    head.append(el("div", { class: "corner", role: "columnheader" }, "fault"));
    CHECKS.forEach((check, index) => {
      const button = el("button", {
        type: "button", class: isLeftOut(check) ? "out" : "", title: check + (isLeftOut(check) ? ", left out" : ""), "aria-pressed": String(check === chosen),
        onclick: () => this.onCheck(check === chosen ? "" : check),
      }, short(check));
      const tip = el("div", { class: "tip", role: "columnheader", "aria-colindex": index + 2 }, button);
      tip.style.gridColumn = index + 2;
      head.append(tip);
    });
    for (const [first, length, suite] of runsOf(CHECKS.map(suiteOf))) {
      const band = el("span", { class: "suite", "aria-hidden": "true" }, suite);
      band.style.left = "calc(var(--label) + var(--cell) * " + first + ")";
      band.style.width = "calc(var(--cell) * " + length + ")";
      head.append(band);
    }
    this.buttons = [...head.querySelectorAll("button")];
    return head;
  }

  total(rows) {
    const sum = summed(rows);
    const row = el("div", { class: "row total", role: "row", tabindex: "-1", "aria-level": "1" },
      el("span", { class: "name", role: "rowheader" }, "All that is shown"), this.levels(sum), this.score(sum));
    this.about.set(row, (check) => cardOfGroup("All that is shown", sum, check));
    return row;
  }

  group({ name, there, sum }, opensAll) {
    const row = el("div", {
      class: "row" + (name === DECLARED || !name.includes("/") ? " prose" : ""), role: "row", tabindex: "-1",
      "aria-level": "1", "aria-expanded": "false",
      "aria-label": name + ": " + sum.caught + " of " + several(sum.decided, "fault") + " caught",
    },
      el("span", { class: "name", role: "rowheader", title: name },
        el("span", { class: "caret", "aria-hidden": "true" }, "›"),
        el("span", { class: "path isolated" }, name), el("span", { class: "soft" }, count(there.length))),
      this.levels(sum), this.score(sum));
    this.about.set(row, (check) => cardOfGroup(name, sum, check));
    const group = el("div", { class: "group", role: "rowgroup" }, row);
    Object.assign(group, { faults: there, title_: name });
    if (this.opened.get(name) ?? opensAll) this.open(group, true, false);
    return group;
  }

  levels(sum) {
    return [...sum.columns].filter(([check]) => COLUMN.has(check)).map(([check, column]) => {
      const share = column.count / (sum.decided || 1);
      const label = check + ": " + column.count + ", " + percent(share);
      const bar = el("span", { class: "level " + column.worst, role: "gridcell", "aria-label": label, "aria-colindex": COLUMN.get(check) + 2 });
      bar.style.gridColumn = COLUMN.get(check) + 2;
      bar.style.height = 27 * share + "px";
      return bar;
    });
  }

  score(sum) {
    return el("span", { class: "end", role: "gridcell", "aria-colindex": CHECKS.length + 2 },
      stack(sum.kinds), el("span", { class: "percent" }, sum.decided ? percent(sum.score) : "–"));
  }

  open(group, isOpen, remember = true) {
    const row = group.firstElementChild;
    if (remember) this.opened.set(group.title_, isOpen);
    if ((row.getAttribute("aria-expanded") === "true") === isOpen) return;
    row.setAttribute("aria-expanded", String(isOpen));
    while (group.children.length > 1) group.lastElementChild.remove();
    for (let begin = 0; isOpen && begin < group.faults.length; begin += CHUNK) {
      const chunk = el("div", { class: "chunk", role: "none" });
      chunk.faults = group.faults.slice(begin, begin + CHUNK);
      chunk.style.height = chunk.faults.length * ROW_HEIGHT + "px";
      group.append(chunk);
      this.near.observe(chunk);
    }
  }

  fillSeen(seen) {
    for (const each of seen) if (each.isIntersecting) this.fill(each.target);
  }

  fill(chunk) {
    if (!chunk.faults) return;
    this.near.unobserve(chunk);
    chunk.append(...chunk.faults.map((row) => this.fault(row)));
    chunk.style.height = "";
    chunk.faults = null;
  }

  fault(row) {
    const words = row.fate === "caught" ? row.verdict : row.fate === "equivalent" ? row.rule : FATES[row.fate];
    const line = el("div", {
      class: "row fault is-" + row.fate, role: "row", tabindex: "-1", "aria-level": "2",
      "aria-label": row.what + ". " + statement(row),
    }, el("span", { class: "name", role: "rowheader" }, el("span", { class: "layer" }, row.layer), el("span", { class: "isolated" }, row.brief)));
    for (const each of row.caught_by) {
      if (!COLUMN.has(each.check)) continue;
      const kind = each.accidental ? "accident" : known(each.consequence);
      const label = each.check + ": " + each.by + ", " + (each.accidental ? "by accident" : MEANINGS[kind]);
      const cell = el("span", { class: "cell " + kind, role: "gridcell", "aria-label": label, "aria-colindex": COLUMN.get(each.check) + 2 });
      cell.style.gridColumn = COLUMN.get(each.check) + 2;
      line.append(cell);
    }
    line.append(el("span", { class: "end", role: "gridcell", "aria-colindex": CHECKS.length + 2 }, words));
    this.about.set(line, (check) => cardOfFault(row, check));
    return line;
  }

  listen() {
    this.table.addEventListener("pointermove", (event) => this.point(event));
    this.table.addEventListener("pointerleave", () => this.leave());
    this.table.addEventListener("click", (event) => this.click(event));
    this.table.addEventListener("keydown", (event) => this.press(event));
    this.table.addEventListener("focusin", (event) => this.focus(event));
    this.table.addEventListener("focusout", () => this.card.hide());
  }

  point(event) {
    const row = event.target.closest(".row");
    const index = this.columnAt(event.clientX);
    const check = index === null ? undefined : CHECKS[index];
    this.mark(index);
    const about = row && this.about.get(row);
    if (event.pointerType === "touch") return;
    if (about) this.card.show(about(check), row, event.clientX);
    else this.card.hide();
  }

  leave() {
    this.mark(null);
    this.card.hide();
  }

  columnAt(x) {
    const index = Math.floor((x - this.table.getBoundingClientRect().left - this.label) / this.cell);
    return index >= 0 && index < CHECKS.length ? index : null;
  }

  mark(index) {
    this.cross.hidden = index === null;
    this.cross.style.left = this.label + this.cell * index + "px";
    this.buttons.forEach((button, each) => button.classList.toggle("on", each === index));
  }

  click(event) {
    const row = event.target.closest(".row");
    if (!row || !this.about.has(row)) return;
    row.focus({ preventScroll: true });
    if (row.hasAttribute("aria-expanded")) this.open(row.parentElement, row.getAttribute("aria-expanded") !== "true");
  }

  focus(event) {
    const row = event.target;
    const about = this.about.get(row);
    if (!about) return;
    for (const each of this.table.querySelectorAll('.row[tabindex="0"]')) each.tabIndex = -1;
    row.tabIndex = 0;
    if (row.matches(":focus-visible") || matchMedia("(hover: none)").matches) {
      const box = row.getBoundingClientRect();
      this.card.show(about(), row, Math.max(box.left, 0) + this.label, true);
    }
  }

  press(event) {
    const row = event.target;
    if (!this.about.has(row)) return;
    const group = row.closest(".group");
    const isGroup = row.hasAttribute("aria-expanded");
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 };
    if (event.key in steps) this.move(row, steps[event.key]);
    else if (event.key === "Home") this.table.querySelector(".total").focus();
    else if (event.key === "End") this.move(row, Infinity);
    else if (isGroup && ["Enter", " "].includes(event.key)) this.open(group, row.getAttribute("aria-expanded") !== "true");
    else if (isGroup && event.key === "ArrowRight") this.open(group, true);
    else if (isGroup && event.key === "ArrowLeft") this.open(group, false);
    else if (group && event.key === "ArrowLeft") group.firstElementChild.focus();
    else return;
    event.preventDefault();
  }

  move(row, step) {
    const group = row.closest(".group");
    if (group) for (const chunk of group.querySelectorAll(".chunk")) this.fill(chunk);
    if (step < 0 && group) for (const chunk of group.previousElementSibling.querySelectorAll(".chunk")) this.fill(chunk);
    const rows = [...this.table.querySelectorAll(".row[tabindex]")];
    const place = Math.max(0, Math.min(rows.length - 1, rows.indexOf(row) + step));
    rows[place].focus({ preventScroll: true });
    rows[place].scrollIntoView({ block: "nearest" });
    this.keepBelowHead(rows[place]);
    this.focus({ target: rows[place] });
  }

  keepBelowHead(row) {
    const hidden = this.table.firstElementChild.getBoundingClientRect().bottom - row.getBoundingClientRect().top;
    if (hidden <= 0) return;
    if (this.root.classList.contains("pane")) this.root.scrollTop -= hidden;
    else scrollBy(0, -hidden);
  }

  // Columns as wide as there is room for; where there is none, the matrix scrolls by itself.
  fit() {
    const width = this.root.clientWidth;
    const isNarrow = width < 700;
    const end = isNarrow ? 104 : 132;
    const least = isNarrow ? 142 : 290;
    const room = (width - least - end) / (CHECKS.length || 1);
    this.cell = Math.floor(Math.max(isNarrow ? 20 : NARROWEST_CELL, Math.min(WIDEST_CELL, room)));
    this.label = Math.max(least, width - end - this.cell * CHECKS.length);
    const longest = Math.max(0, ...CHECKS.map((check) => short(check).length));
    const style = this.table.style;
    style.setProperty("--cell", this.cell + "px");
    style.setProperty("--label", this.label + "px");
    style.setProperty("--end", end + "px");
    style.setProperty("--columns", CHECKS.length || 1);
    style.setProperty("--head", Math.min(260, 44 + longest * 5.9) + "px");
    this.root.classList.toggle("pane", this.label + this.cell * CHECKS.length + end > width);
  }
}

function byWeakness(one, other) {
  return Number(other.name === DECLARED) - Number(one.name === DECLARED) || one.sum.score - other.sum.score;
}

function byName(one, other) {
  const path = (name) => name.slice(name.indexOf(" ") + 1) + " " + name;
  return Number(other.name === DECLARED) - Number(one.name === DECLARED) || path(one.name).localeCompare(path(other.name));
}

// Where the same name stands several times in a row: its first place, how often, the name.
function runsOf(names) {
  const runs = [];
  names.forEach((name, index) => {
    if (index && names[index - 1] === name) runs[runs.length - 1][1] += 1;
    else runs.push([index, 1, name]);
  });
  return runs;
}
