// The card beside a row: what the fault is, who caught it by which expectation, and the verdict.

const MOST_CATCHES = 8;
const missedAt = new Map(audit.survivors.map((each) => [each.endpoint + "\n" + each.fault, each]));

class Card {
  constructor(root) {
    this.root = root;
    addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
    addEventListener("scroll", () => this.follow(), { passive: true, capture: true });
  }

  hide() {
    this.root.hidden = true;
  }

  // Show it beside a row; one that `stays` moves with its row when the page scrolls.
  show(content, row, x, stays = false) {
    Object.assign(this, { row, x, stays });
    this.root.replaceChildren(...content);
    this.root.hidden = false;
    this.place();
  }

  follow() {
    if (this.root.hidden) return;
    if (this.stays && this.row.isConnected) this.place();
    else this.hide();
  }

  place() {
    const row = this.row.getBoundingClientRect();
    const own = this.root.getBoundingClientRect();
    const below = row.bottom + 6;
    const top = below + own.height < innerHeight ? below : Math.max(4, row.top - own.height - 6);
    this.root.style.top = top + "px";
    this.root.style.left = Math.max(8, Math.min(this.x + 14, innerWidth - own.width - 8)) + "px";
  }
}

function cardOfFault(row, check) {
  const content = [el("strong", {}, row.what), el("span", { class: "mono soft" }, row.group)];
  content.push(el("p", {}, statement(row)));
  const here = row.caught_by.filter((each) => each.check === check);
  const catches = [...here, ...row.caught_by.filter((each) => each.check !== check)];
  if (catches.length) {
    content.push(el("ul", {}, catches.slice(0, MOST_CATCHES).map((each) => catchItem(each, check))));
  }
  if (catches.length > MOST_CATCHES) {
    content.push(el("p", { class: "soft" }, "and " + several(catches.length - MOST_CATCHES, "more check")));
  }
  const missed = missedAt.get(row.endpoint + "\n" + row.fault);
  if (missed) content.push(...remedy(missed));
  return content;
}

function statement(row) {
  const by = row.caught_by.length === 1 ? "one check" : several(row.caught_by.length, "check");
  return {
    caught: "Caught by " + by + (row.alone ? " alone" : "") + ". Verdict: " + row.verdict,
    accident: "Only by accident: " + by + " broke down instead of demanding something. Verdict: " + row.verdict,
    survived: "Survived: nobody notices it. Verdict: " + row.verdict,
    undecided: "Undecided: the checks asked for what was not recorded; counts as not caught",
    equivalent: "Counts as equivalent: " + row.rule,
  }[row.fate];
}

function catchItem(each, check) {
  const kind = each.accidental ? "accident" : known(each.consequence);
  const meaning = each.accidental ? "by accident" : MEANINGS[kind];
  const through = each.through ? ", through " + each.through : "";
  return el("li", { class: each.check === check ? "here" : "" },
    key(kind), el("span", {}, each.check), el("span", { class: "soft" }, each.by, " → ", meaning, through));
}

function remedy(missed) {
  const content = [el("p", {}, "Write: ", el("code", {}, missed.write))];
  if (missed.in_checks.length) content.push(el("p", { class: "soft" }, "Used by " + missed.in_checks.join(", ")));
  return content;
}

function cardOfGroup(name, sum, check) {
  const content = [el("strong", {}, name)];
  content.push(el("p", {}, sum.caught + " of " + several(sum.decided, "fault") + " caught, " + percent(sum.score)));
  if (check) {
    const column = sum.columns.get(check);
    const words = column
      ? check + " catches " + column.count + "; at worst it means " + MEANINGS[column.worst]
      : check + " catches none of them";
    content.push(el("p", { class: "soft" }, words));
  }
  return content;
}
