// Derives every value of vectors/ a second time, with code that was written from docs/protocol and docs/rollup
// alone, and compares. If the two disagree, the documents or the product's code are wrong. Then it changes one value
// of each kind in each file, and expects each change to be noticed.
// usage: node tools/spec/check.mjs
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { checks as blocks } from "./blocks.mjs";
import { checks as bls } from "./bls.mjs";
import { differences, size } from "./cases.mjs";
import { checkInterface } from "./interface.mjs";
import { checks as ledger } from "./ledger.mjs";
import { checks as messages } from "./messages.mjs";
import { checks as parameters } from "./parameters.mjs";
import { checks as proofs } from "./proofs.mjs";
import { checks as rewards } from "./rewards.mjs";
import { checks as selection } from "./selection.mjs";
import { checks as time } from "./time.mjs";
import { checks as wire } from "./wire.mjs";

const VECTORS = "vectors";

/** A file of vectors. Numbers that a double can't hold become decimal texts. */
const readVector = (file) => {
  const source = readFileSync(join(VECTORS, file), "utf8");
  return JSON.parse(source.replace(/(?<=[[:,]\s*)\d{16,}(?=\s*[,\]}])/g, '"$&"'));
};

/** The vector with another value at `path`: a number or a decimal text plus one, a text with another digit. */
const corrupted = (vector, path) => {
  const changed = structuredClone(vector);
  const owner = path.slice(0, -1).reduce((object, key) => object[key], changed);
  const key = path.at(-1);
  const value = owner[key];
  if (value === undefined) throw new Error(`no value at ${path.join(".")}`);
  if (typeof value === "number") owner[key] = value + 1;
  else if (/^\d+$/.test(value)) owner[key] = String(BigInt(value) + 1n);
  else {
    const middle = Math.ceil((value.length + 2) / 2);
    const digit = value[middle] === "1" ? "2" : "1";
    owner[key] = value.slice(0, middle) + digit + value.slice(middle + 1);
  }
  return changed;
};

const failures = [];
const counts = { cases: 0, values: 0, corruptions: 0 };

const checkFile = (file, check) => {
  const vector = readVector(file);
  const cases = check.cases(vector);
  for (const one of cases) {
    counts.cases += 1;
    counts.values += size(one);
    for (const { key, expected, derived } of differences(check, one)) {
      failures.push(`${file}: ${one.label}: ${key}: the file has ${expected}, the documents give ${derived}`);
    }
  }

  const before = cases.map((one) => JSON.stringify(one));
  for (const path of check.corruptible) {
    counts.corruptions += 1;
    const changed = check.cases(corrupted(vector, path)).filter((one, i) => JSON.stringify(one) !== before[i]);
    if (!changed.some((one) => differences(check, one).length > 0)) {
      failures.push(`${file}: expected a wrong value at ${path.join(".")} to be noticed, it was not`);
    }
  }
};

const checks = {
  ...time,
  ...selection,
  ...parameters,
  ...messages,
  ...rewards,
  ...bls,
  ...ledger,
  ...wire,
  ...proofs(readVector),
  ...blocks(readVector),
};
const files = readdirSync(VECTORS).filter((name) => name.endsWith(".json"));
for (const file of files) {
  const check = checks[file];
  if (check === undefined) failures.push(`${file}: no check`);
  else checkFile(file, check);
}
const signatures = checkInterface(failures);

for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exit(1);
console.log(
  `spec: ${files.length} files, ${counts.values} values of ${counts.cases} cases follow from the documents; ` +
    `${counts.corruptions} wrong values noticed; ${signatures} signatures of docs/protocol/interface.md`,
);
