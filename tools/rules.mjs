// Holds rules, errors and tests together: docs/protocol numbers the rules ("- **C3** …"), Solidity names them in NatSpec ("@custom:rule C3, E6").
// Checks that every rule named exists, every error of contracts/ names one, every rule has a test, and every test that docs/ mention exists.
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
const protocol = files("docs/protocol", ".md");
for (const { path, lines } of protocol) {
  lines.forEach((text, i) => {
    const id = /^- \*\*([A-Z]\d+)\*\*/.exec(text)?.[1];
    if (id === undefined) return;
    if (rules.has(id)) fail(path, i, `expected each rule once, got ${id} here and in ${rules.get(id)}`);
    rules.set(id, `${path}:${i + 1}`);
  });
}
if (rules.size === 0) failures.push("docs/protocol: expected rules, found none");
for (const id of rules.keys()) {
  const before = `${id[0]}${Number(id.slice(1)) - 1}`;
  if (before !== `${id[0]}0` && !rules.has(before)) failures.push(`${rules.get(id)}: expected ${before} before ${id}, found none`);
}

// What the pages call by a letter that rules have is a rule ("G1" and "G2" are groups of a curve, too, and exist in any case).
const letters = [...new Set([...rules.keys()].map((id) => id[0]))].join("");
const mention = new RegExp(`(?<![\\w.\`-])[${letters}][1-9]\\d?(?![\\w-])`, "g");
for (const { path, lines } of protocol) {
  lines.forEach((text, i) => {
    for (const [id] of text.matchAll(mention)) if (!rules.has(id)) fail(path, i, `no rule ${id}`);
  });
}

// ---- Solidity -----------------------------------------------------------------------------------------------------

/** Ids in a line's `@custom:rule`, if it has one; what isn't an existing rule fails. */
const named = (path, text, i) => {
  const list = /@custom:rule\b(.*)/.exec(text)?.[1];
  if (list === undefined) return [];
  const ids = list.split(",").map((id) => id.trim());
  for (const id of ids) if (!rules.has(id)) fail(path, i, `no rule "${id}" in docs/protocol`);
  return ids;
};

let errors = 0;
for (const { path, lines } of files("contracts", ".sol")) {
  let above = []; // rules named in the comment above the line
  lines.forEach((text, i) => {
    const ids = named(path, text, i);
    if (/^\s*\/\/\//.test(text)) {
      above.push(...ids);
      return;
    }
    const error = /^\s*error (\w+)\(/.exec(text)?.[1];
    if (error !== undefined) {
      errors += 1;
      if (above.length === 0) fail(path, i, `error ${error} names no rule (@custom:rule)`);
    }
    above = [];
  });
}

const tested = new Set();
const tests = new Set();
for (const { path, lines } of files("test", ".sol")) {
  lines.forEach((text, i) => {
    for (const id of named(path, text, i)) tested.add(id);
    const test = /\bfunction ((?:test|invariant)\w*)\(/.exec(text)?.[1];
    if (test !== undefined) tests.add(test);
  });
}
for (const [id, where] of rules) if (!tested.has(id)) failures.push(`${where}: no test names rule ${id}`);

// ---- tests that pages mention -------------------------------------------------------------------------------------

for (const { path, lines } of files("docs", ".md")) {
  lines.forEach((text, i) => {
    for (const [name] of text.matchAll(/\b(?:test|testFuzz|invariant)_\w+/g)) if (!tests.has(name)) fail(path, i, `no test ${name}`);
  });
}

for (const text of failures) console.error(text);
if (failures.length > 0) process.exit(1);
console.log(`rules: ${rules.size}, named by ${errors} errors and ${tests.size} tests`);
