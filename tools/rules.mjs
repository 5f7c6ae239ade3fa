// Holds rules, errors and tests together: docs/protocol, docs/rollup and docs/operating number the rules ("- **C3** …"), Solidity names them in
// NatSpec ("@custom:rule C3, E6"), Rust in a comment above a test ("// rule: J8").
// Checks that rules are numbered without a gap and each once, that every rule named or mentioned exists, that every error of contracts/ and every
// forge test and proof names one (its own, or its contract's), that every rule is named by a test, and that every test that docs/ mention exists.
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
  if (before !== `${id[0]}0` && !rules.has(before)) failures.push(`${rules.get(id)}: expected ${before} before ${id}, found none`);
}

// What the pages call by a letter that rules have is a rule ("G1" and "G2" are groups of a curve, too, and exist in any case).
const letters = [...new Set([...rules.keys()].map((id) => id[0]))].join("");
const mention = new RegExp(`(?<![\\w.\`-])[${letters}][1-9]\\d?(?![\\w-])`, "g");
for (const { path, lines } of pages) {
  lines.forEach((text, i) => {
    for (const [id] of text.matchAll(mention)) if (!rules.has(id)) fail(path, i, `no rule ${id}`);
  });
}

// ---- errors and tests ---------------------------------------------------------------------------------------------

/** Ids in a comment's line, if `label` has some there; what isn't an existing rule fails. */
const named = (label, path, text, i) => {
  const list = label.exec(text)?.[1];
  if (list === undefined) return [];
  const ids = list.split(",").map((id) => id.trim());
  for (const id of ids) if (!rules.has(id)) fail(path, i, `no rule "${id}" in docs`);
  return ids;
};

/** Calls `visit(text, line, rules named in the comment above it)` for each line that isn't NatSpec. */
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
const tests = new Set(); // names; some contracts have a test of the same name
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
    for (const [name] of text.matchAll(/\b(?:test|testFuzz|invariant|check)_\w+/g)) if (!tests.has(name)) fail(path, i, `no test ${name}`);
  });
}

for (const text of failures) console.error(text);
if (failures.length > 0) process.exit(1);
console.log(`rules: ${rules.size}, named by ${errors} errors, by all ${functions} forge tests and by ${cargo} cargo tests`);
