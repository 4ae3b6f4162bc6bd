"use strict";
// What the audit says, in the form in which it is drawn. Nothing here touches the page.

const audit = JSON.parse(document.getElementById("audit").textContent);
const CHECKS = audit.matrix.checks;
const COLUMN = new Map(CHECKS.map((check, index) => [check, index]));
const CONSEQUENCES = ["warn", "monitor", "investigate", "share", "rollback"];
const VERDICTS = ["proceed", "monitor", "inconclusive", "investigate", "rollback"];
const FATES = {
  caught: "caught",
  accident: "by accident",
  undecided: "undecided",
  survived: "survived",
  equivalent: "equivalent",
};
const MEANINGS = {
  warn: "warn", monitor: "monitor", investigate: "investigate",
  share: "counts against the share", rollback: "rollback",
};
const DECLARED = "Declared by the suite";
const ROWS = audit.matrix.rows.map(rowOf);

function rowOf(row) {
  const prefix = row.endpoint + ": ";
  const what = row.fault.startsWith(prefix) ? row.fault.slice(prefix.length) : row.fault;
  const deliberate = row.caught_by.filter((each) => !each.accidental).map((each) => each.check);
  const isDeclared = row.family === "semantic";
  const named = isDeclared && row.declared ? row.declared + " " + what : what;
  return {
    ...row,
    what: named,
    brief: named.startsWith(row.layer + " ") ? named.slice(row.layer.length + 1) : named, // its layer stands before it
    group: isDeclared ? DECLARED : row.endpoint,
    alone: new Set(deliberate).size === 1,
    checks: new Set(row.caught_by.map((each) => each.check)),
    text: [row.fault, row.declared, row.rule, ...row.caught_by.flatMap((each) => [each.check, each.by, each.through])]
      .join("\n").toLowerCase(),
  };
}

// The kind that a row counts as in a stacked bar: how severe it was if caught, else its fate.
const KINDS = [...CONSEQUENCES.slice().reverse(), "accident", "undecided", "survived", "equivalent"];

function kindOf(row) {
  return row.fate === "caught" ? known(row.consequence) : row.fate;
}

function known(consequence) {
  return CONSEQUENCES.includes(consequence) ? consequence : "share";
}

function worse(one, other) {
  return CONSEQUENCES.indexOf(other) > CONSEQUENCES.indexOf(one) ? other : one;
}

// Counts of rows: by kind, and by check with the most severe consequence that it answered with.
function summed(rows) {
  const kinds = new Map();
  const columns = new Map();
  let caught = 0;
  let equivalent = 0;
  for (const row of rows) {
    kinds.set(kindOf(row), (kinds.get(kindOf(row)) || 0) + 1);
    caught += row.fate === "caught";
    equivalent += row.fate === "equivalent";
    for (const each of row.caught_by) {
      if (each.accidental) continue;
      const column = columns.get(each.check) || { count: 0, worst: "" };
      column.count += 1;
      column.worst = worse(column.worst, known(each.consequence));
      columns.set(each.check, column);
    }
  }
  const decided = rows.length - equivalent;
  return { rows: rows.length, kinds, columns, caught, decided, score: decided ? caught / decided : 1 };
}

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const name = key(row);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return groups;
}

function matches(row, wanted) {
  return (
    (!wanted.text || wanted.text.split(/\s+/).every((word) => row.text.includes(word))) &&
    (!wanted.layer || row.layer === wanted.layer) &&
    (!wanted.fate || fits(row, wanted.fate)) &&
    (!wanted.check || row.checks.has(wanted.check)) &&
    (!wanted.verdict || row.verdict === wanted.verdict) &&
    (!wanted.alone || row.alone)
  );
}

function fits(row, fate) {
  if (fate === "missed") return !["caught", "equivalent"].includes(row.fate);
  if (fate === "warned") return row.fate === "caught" && row.consequence === "warn";
  return row.fate === fate;
}

// Words

function count(number) {
  return number.toLocaleString("en");
}

function several(number, noun) {
  return count(number) + " " + noun + (number === 1 ? "" : "s");
}

// A share in percent; what is not whole never reads as 100%.
function percent(share) {
  return Math.floor(Math.round(share * 1e9) / 1e6) / 10 + "%";
}

function seconds(duration) {
  return duration < 1 ? Math.round(duration * 1000) + " ms" : Number(duration.toPrecision(3)) + " s";
}

// Text from outside, with what cannot be seen or would reorder a line written out.
function visible(text) {
  return String(text).replace(/[\p{C}\u2028\u2029]/gu, (char) => "\\u{" + char.codePointAt(0).toString(16) + "}");
}
