// Checks that rules, errors and tests name each other. docs/protocol, docs/rollup and docs/operating number the rules
// ("- **C3** …"), Solidity names them in NatSpec ("@custom:rule C3, E6"), Rust names them in a comment above a test
// ("// rule: J8"). The checks are:
// - Rules have consecutive numbers, and each number is used once.
// - Every rule that is named or mentioned exists.
// - Every error of contracts/ names a rule. Every forge test and proof names one too, or its contract does.
// - A test names every rule.
// - Every test that docs/ mention exists.
// usage: node tools/rules.mjs
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const files = (folder, ending) =>
  readdirSync(folder, { recursive: true })
    .filter((f) => f.endsWith(ending))
    .sort()
    .map((f) => join(folder, f))
    .map((path) => ({ path, lines: readFileSync(path, "utf8").split("\n") }));

const failures = [];
const fail = (path, line, text) => failures.push(`${path}:${line + 1}: ${text}`);

// ---- rules --------------------------------------------------------------------------------------------------------

const rules = new Map(); // id → where it is defined
const pages = ["docs/protocol", "docs/rollup", "docs/operating"].flatMap((folder) => files(folder, ".md"));
for (const { path, lines } of pages) {
  lines.forEach((text, i) => {
    const id = /^- \*\*([A-Z]\d+)\*\*/.exec(text)?.[1];
    if (id === undefined) return;
    if (rules.has(id)) fail(path, i, `expected each rule once, got ${id} here and in ${rules.get(id)}`);
    rules.set(id, `${path}:${i + 1}`);
  });
}
if (rules.size === 0) failures.push("docs: expected rules, found none");
for (const id of rules.keys()) {
  const before = `${id[0]}${Number(id.slice(1)) - 1}`;
  if (before === `${id[0]}0` || rules.has(before)) continue;
  failures.push(`${rules.get(id)}: expected ${before} before ${id}, found none`);
}

// A letter that rules have, followed by a number, is a rule. "G1" and "G2" are also groups of a curve; rules of these
// names exist, so the check passes.
const letters = [...new Set([...rules.keys()].map((id) => id[0]))].join("");
const mention = new RegExp(`(?<![\\w.\`-])[${letters}][1-9]\\d?(?![\\w-])`, "g");
for (const { path, lines } of pages) {
  lines.forEach((text, i) => {
    for (const [id] of text.matchAll(mention)) if (!rules.has(id)) fail(path, i, `no rule ${id}`);
  });
}

// ---- errors and tests ---------------------------------------------------------------------------------------------

/** The rules that a line names after `label`. An unknown rule is a failure. */
const named = (label, path, text, i) => {
  const list = label.exec(text)?.[1];
  if (list === undefined) return [];
  const ids = list.split(",").map((id) => id.trim());
  for (const id of ids) if (!rules.has(id)) fail(path, i, `no rule "${id}" in docs`);
  return ids;
};

/** Calls `visit(text, line, rules named in the comment above it)` for each line that is not NatSpec. */
const solidity = ({ path, lines }, visit) => {
  let above = [];
  lines.forEach((text, i) => {
    const ids = named(/@custom:rule\b(.*)/, path, text, i);
    if (/^\s*\/\/\//.test(text)) above.push(...ids);
    else {
      visit(text, i, above);
      above = [];
    }
  });
};

let errors = 0;
for (const file of files("contracts", ".sol")) {
  solidity(file, (text, i, ids) => {
    const error = /^\s*error (\w+)\(/.exec(text)?.[1];
    if (error === undefined) return;
    errors += 1;
    if (ids.length === 0) fail(file.path, i, `error ${error} names no rule (@custom:rule)`);
  });
}

const tested = new Set();
const tests = new Set(); // names; two contracts may have tests of the same name
let functions = 0;
for (const file of files("test", ".t.sol")) {
  let contract = []; // rules of the contract
  solidity(file, (text, i, ids) => {
    if (/^(?:abstract )?contract \w/.test(text)) contract = ids;
    const test = /^\s*function ((?:test|invariant_|check_)\w*)\(/.exec(text)?.[1];
    if (test === undefined || !/^[^{;]*\b(?:public|external)\b/.test(file.lines.slice(i).join("\n"))) return;
    functions += 1;
    tests.add(test);
    const all = [...ids, ...contract];
    if (all.length === 0) fail(file.path, i, `${test} names no rule (@custom:rule)`);
    for (const id of all) tested.add(id);
  });
}

let cargo = 0;
for (const { path, lines } of files("crates", ".rs")) {
  lines.forEach((text, i) => {
    const ids = named(/^\s*\/\/[/!]? rule: (.*)/, path, text, i);
    if (ids.length === 0) return;
    cargo += 1;
    for (const id of ids) tested.add(id);
    const next = lines.slice(i + 1).find((line) => !/^\s*\/\//.test(line)) ?? "";
    if (!/^\s*#\[(?:tokio::)?test\b/.test(next)) fail(path, i, "expected a test below the rule's name, found none");
  });
}
for (const [id, where] of rules) if (!tested.has(id)) failures.push(`${where}: no test names rule ${id}`);

// ---- tests that pages mention -------------------------------------------------------------------------------------

for (const { path, lines } of files("docs", ".md")) {
  lines.forEach((text, i) => {
    for (const [name] of text.matchAll(/\b(?:test|testFuzz|invariant|check)_\w+/g)) {
      if (!tests.has(name)) fail(path, i, `no test ${name}`);
    }
  });
}

for (const text of failures) console.error(text);
if (failures.length > 0) process.exit(1);
console.log(
  `rules: ${rules.size}, named by ${errors} errors, by all ${functions} forge tests and by ${cargo} cargo tests`,
);
