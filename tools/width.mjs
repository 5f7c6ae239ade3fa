// Checks that no line of a tracked file is wider than its kind allows, counted in characters.
// Not checked: JSON (it cannot wrap a string), lock files, licences, and the data in snapshots/ and vectors/.
// A longer line passes only if it is one word after its indent and comment or list mark, such as a link: it cannot
// be wrapped.
// usage: node tools/width.mjs [FILE]... (default: all tracked files)
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";

/** The limit of each kind of file, as [pattern of its path, characters]. The first match counts. */
const LIMITS = [
  [/^(?:snapshots\/|vectors\/.*\.json$)/, Infinity],
  [/(?:\.json|\.lock|^LICENSE-\w+)$/, Infinity],
  [/\.md$/, 100],
  [/\.rs$/, 110],
  [/(?:)/, 120],
];
const MARK = /^\s*(?:\/\/[/!]?|#+|\*|-|>|\/\*\*)?\s*/;

const named = process.argv.slice(2);
const tracked = () => execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0").filter(Boolean);
const paths = named.length > 0 ? named : tracked();

let checked = 0;
let failed = false;
for (const path of paths) {
  const [, limit] = LIMITS.find(([pattern]) => pattern.test(path));
  if (limit === Infinity || !statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
  const bytes = readFileSync(path);
  if (bytes.includes(0)) continue; // not a text
  checked += 1;
  bytes.toString("utf8").split("\n").forEach((line, i) => {
    const width = [...line].length;
    if (width <= limit || !/\s/.test(line.replace(MARK, ""))) return;
    console.error(`${path}:${i + 1}: expected at most ${limit} characters, got ${width}`);
    failed = true;
  });
}
if (checked === 0) {
  console.error("width: expected files to check, found none");
  failed = true;
}
if (failed) process.exit(1);
console.log(`width: ${checked} files`);
