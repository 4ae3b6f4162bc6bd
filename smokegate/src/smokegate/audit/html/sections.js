// Everything around the matrix: the score above it, what is to be done below.

function headline() {
  const equivalent = total(audit.equivalent);
  const decided = audit.mutants - equivalent;
  const alarms = audit.over_catching.length;
  document.title = "Audit of " + visible(audit.target);
  at("headline").append(
    el("h1", {}, audit.target),
    el("div", { class: "score" },
      el("b", {}, decided ? [percent(audit.score).slice(0, -1), el("small", {}, "%")] : "–"),
      el("p", {}, count(audit.caught) + " of " + several(decided, "fault") + " that a deployment can show would be noticed",
        alarms ? "; " + several(alarms, "false alarm") + " counted against it" : "", ".")),
    el("span", {}, stack(summed(ROWS).kinds, "large")),
    keys(ROWS),
    facts({
      recorded: moment(audit.recorded_at),
      exchanges: count(audit.exchanges),
      checks: count(CHECKS.filter((check) => !isResource(check)).length),
      recording: audit.record_seconds ? seconds(audit.record_seconds) : "",
      mutants: count(audit.mutants + audit.replies.mutants) + " in " + seconds(audit.seconds),
      "of single replies": audit.replies.mutants ? percent(audit.replies.score) + " caught" : "",
      tool: audit.tool,
    }));
  const places = { matrix: "Matrix", survivors: "What to write", checks: "Checks", declared: "Declared faults", alarms: "False alarms", replies: "Reply by reply" };
  if (audit.live || audit.benign) places.live = "Acted out live";
  at("contents").append(...Object.entries(places).map(([id, words]) => el("a", { href: "#" + id }, words)));
}

function keys(rows) {
  const sum = summed(rows);
  const words = { ...MEANINGS, accident: "only by accident", undecided: "undecided", survived: "survived", equivalent: "equivalent" };
  const items = KINDS.filter((kind) => sum.kinds.get(kind)).map((kind) =>
    el("li", {}, key(kind), el("span", {}, count(sum.kinds.get(kind)) + " " + words[kind])));
  return el("ul", { class: "keys", "aria-label": "Faults by what they mean to the checks" }, items);
}

function facts(values) {
  const there = Object.entries(values).filter(([, value]) => value !== "");
  return el("dl", { class: "facts" }, there.map(([name, value]) =>
    el("div", {}, el("dt", {}, name[0].toUpperCase() + name.slice(1)), el("dd", { class: "break" }, value))));
}

function moment(text) {
  return text.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(\.\d+)?Z$/, "$1 $2 UTC");
}

function total(numbers) {
  return Object.values(numbers).reduce((sum, each) => sum + each, 0);
}

function layers(choose) {
  const rows = grouped(ROWS, (row) => row.layer);
  at("layers").append(el("div", { class: "bars" }, Object.entries(audit.layers).map(([layer, tally]) => {
    const decided = tally.mutants - total(tally.equivalent);
    const words = count(tally.caught) + " of " + count(decided);
    return el("button", { type: "button", title: "Show them in the matrix", onclick: () => choose({ layer }) },
      el("span", {}, layer), stack(summed(rows.get(layer) || []).kinds),
      el("span", { class: "number soft of" }, words), el("span", { class: "number" }, percent(tally.score)));
  })));
}

function legend() {
  const words = { ...MEANINGS, accident: "by accident", survived: "survived", undecided: "undecided", equivalent: "equivalent" };
  return el("ul", { class: "keys", "aria-label": "Colours" }, [...CONSEQUENCES, "accident", "survived", "undecided", "equivalent"].map((kind) =>
    el("li", {}, key(kind), words[kind])));
}

function toWrite() {
  const place = at("to-write");
  if (!audit.survivors.length) return place.append(el("p", { class: "lead" }, "Nothing: an expectation catches every fault."));
  place.append(el("p", { class: "lead" }, several(audit.survivors.length, "fault") + " that no expectation catches, where most are missed first, with the line that would notice them."));
  const groups = [...grouped(audit.survivors, (each) => each.endpoint)].sort((one, other) => other[1].length - one[1].length);
  place.append(...groups.map(([endpoint, missed]) => endpointToWrite(endpoint, missed, audit.survivors.length <= FEW)));
}

function endpointToWrite(endpoint, missed, isOpen) {
  const body = el("div", {});
  const details = el("details", { open: isOpen, ontoggle: () => details.open && !body.childElementCount && fillToWrite(body, missed) },
    el("summary", {}, el("span", { class: "mono break" }, endpoint), el("span", { class: "number soft" }, several(missed.length, "fault"))), body);
  return details;
}

function fillToWrite(body, missed) {
  const lines = [...grouped(missed, (each) => each.write)].sort((one, other) => other[1].length - one[1].length);
  body.append(el("p", { class: "owners" }, missed[0].in_checks.length ? "The replies go to " + missed[0].in_checks.join(", ") : "No check gets its replies"));
  body.append(...lines.map(([code, there]) => el("div", { class: "write" },
    el("span", { class: "number" }, count(there.length)), el("code", {}, code),
    el("span", { class: "soft" }, there.map(whatOf).join(", ")))));
}

const BY_ACCIDENT = new Set(ROWS.filter((row) => row.fate === "accident").map((row) => row.endpoint + "\n" + row.fault));

function whatOf(survivor) {
  const prefix = survivor.endpoint + ": ";
  const what = survivor.fault.startsWith(prefix) ? survivor.fault.slice(prefix.length) : survivor.fault;
  const isAccident = BY_ACCIDENT.has(survivor.endpoint + "\n" + survivor.fault);
  return what + (survivor.undecided ? " (undecided)" : isAccident ? " (caught by accident)" : "");
}

function standing(choose) {
  const { columns } = summed(ROWS);
  const verdicts = worstVerdicts();
  const redundant = new Set(audit.redundant_checks);
  const judged = CHECKS.filter((check) => !isLeftOut(check));
  const rows = judged.map((check) => ({
    check, ...(columns.get(check) || { count: 0, worst: "" }), alone: Object.hasOwn(audit.single_catchers, check) ? audit.single_catchers[check] : 0,
  })).sort((one, other) => other.count - one.count);
  const most = Math.max(1, ...rows.map((each) => each.count));
  at("standing").append(
    el("p", { class: "lead" }, "“Alone” counts the faults that no other check catches. A check without any is redundant, taken by itself."),
    table(["check", "#caught", "#alone", "share, solid where alone", "worst", "verdict"], rows.map((each) => [
      el("span", { class: "break" }, whole(each.check), ofResource(each.check), redundant.has(each.check) ? el("span", { class: "badge" }, "redundant") : "", each.count ? "" : el("span", { class: "badge" }, "catches nothing")),
      count(each.count),
      each.alone ? el("a", { href: "#matrix", onclick: () => choose({ check: each.check, alone: true }) }, count(each.alone)) : "–",
      meter(each.count / most, each.alone / (each.count || 1)),
      each.worst || "–",
      verdicts.get(each.check) || "–",
    ])));
  const excluded = Object.entries(audit.excluded);
  if (!excluded.length) return;
  at("standing").append(el("h3", {}, "Left out"), list(excluded.map(([name, reason]) => ["–", "soft", name, reason])));
}

function ofResource(owner) {
  return isResource(owner) ? el("span", { class: "soft" }, " (a resource)") : "";
}

function worstVerdicts() {
  const worst = new Map();
  for (const row of ROWS) for (const each of row.caught_by) {
    const before = VERDICTS.indexOf(worst.get(each.check));
    if (!each.accidental && VERDICTS.indexOf(row.verdict) > before) worst.set(each.check, row.verdict);
  }
  return worst;
}

// A bar as long as the share; the solid part of it stands for `solid` of that.
function meter(share, solid = 1) {
  if (!share) return "";
  const part = el("i", {});
  const bar = el("div", { class: "meter", "aria-hidden": "true" }, part);
  bar.style.width = 100 * share + "%";
  part.style.width = 100 * solid + "%";
  return bar;
}

// A table; a heading that begins with # is over numbers, one of several words over a bar.
function table(headings, rows) {
  const kinds = headings.map((heading) => heading.startsWith("#") ? "number" : heading.startsWith("share") ? "wide-bar" : "");
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, el("table", {},
    el("thead", {}, el("tr", {}, headings.map((heading, index) => el("th", { class: kinds[index], scope: "col" }, heading.replace("#", ""))))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, index) => el("td", { class: kinds[index] }, cell)))))));
}

function semantic() {
  const rows = ROWS.filter((row) => row.family === "semantic");
  if (!rows.length) return at("semantic").append(el("p", { class: "lead" }, "None. A mutants.py beside the suite can declare what would be worst."));
  const signs = { caught: ["✓", "good"], equivalent: ["–", "soft"], undecided: ["?", "bad"] };
  at("semantic").append(
    el("p", { class: "lead" }, count(rows.filter((row) => row.fate === "caught").length) + " of " + count(rows.length) + " caught."),
    list(rows.map((row) => [...(signs[row.fate] || ["✗", "bad"]), row.what, statement(row), ...row.caught_by.slice(0, MOST_CATCHES).map((each) => each.check + ": " + each.by)])));
}

function list(items) {
  return el("ul", { class: "list" }, items.map(([sign, kind, words, ...more]) =>
    el("li", {}, el("span", { class: "sign " + kind }, sign), el("span", { class: "break" }, words),
      more.filter(Boolean).map((each) => el("span", { class: "soft more" }, each)))));
}

function overCatching() {
  const alarms = audit.over_catching;
  at("over-catching").append(alarms.length
    ? el("p", { class: "lead" }, "Changes that every healthy deployment may show turned these checks red.")
    : el("p", { class: "lead" }, "None: extra members, another order, other capitals and the headers of proxies turned no check red."));
  if (alarms.length) at("over-catching").append(list(alarms.map((each) => ["⚠", "bad", each.check, each.condition, each.reason])));
}

function blind() {
  const owners = Object.entries(audit.blind).sort((one, other) => one[1].score - other[1].score);
  if (!owners.length) return at("blind").append(el("p", { class: "lead" }, "Single replies were not broken."));
  at("blind").append(
    el("p", { class: "lead" }, "The same faults on one reply at a time show where a check is blind: it gets the reply and does not look."),
    table(["owner of the reply", "#mutants", "#caught", "#not caught", "share caught", "#score"], owners.map(([owner, tally]) => [
      el("span", { class: "break" }, whole(owner), ofResource(owner)),
      count(tally.mutants), count(tally.caught), count(tally.survived + tally.undecided + tally.accidents),
      meter(tally.score), percent(tally.score),
    ])));
}

function actedOut() {
  const { live, benign } = audit;
  if (!live && !benign) return;
  at("live").parentElement.hidden = false;
  if (live) at("acted-out").append(el("h3", {}, "Faults"), list([...live.results.map(liveItem), ...leftOut(live)]));
  if (benign) at("acted-out").append(el("h3", {}, "What healthy deployments show"),
    list([...benign.results, benign.total].map(benignItem).concat(leftOut(benign))));
}

function liveItem(each) {
  const isNoticed = each.caught_by.length || !["proceed", "inconclusive"].includes(each.verdict);
  return [...(isNoticed ? ["✓", "good"] : ["✗", "bad"]), each.title,
    "Verdict: " + each.verdict + (each.caught_by.length ? "" : ", by the rule " + each.rule), each.caught_by.join(", ")];
}

function benignItem(each) {
  const verdicts = Object.entries(each.verdicts).map(([verdict, number]) => verdict + " " + count(number)).join(", ");
  const isCalm = !each.rollbacks && !each.alarms.length;
  return [...(isCalm ? ["✓", "good"] : ["✗", "bad"]), each.title,
    several(each.runs, "run") + ": " + verdicts + "; rollbacks below " + (100 * each.bound).toFixed(2) + "% with 95% confidence", ...each.alarms];
}

function leftOut(report) {
  return Object.entries(report.left_out).map(([name, why]) => ["–", "soft", name + " was left out", why]);
}

function about() {
  at("about").append(el("p", {}, "A fault is caught when an expectation did not hold because of it; a check that merely broke down caught it by accident, which counts as not caught. Equivalent faults, by rules fixed in advance, leave the score. Made by " + audit.tool + "; this page loads nothing."));
}
