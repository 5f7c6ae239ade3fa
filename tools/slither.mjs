// Runs slither over contracts/ and compares what it finds, of every severity, with the triage in docs/audit/slither.md.
// Fails on a finding that isn't triaged, and on a line of the triage that no finding answers to any more.
// usage: node tools/slither.mjs SLITHER (path of the program)
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { delimiter, resolve } from "node:path";

const [program] = process.argv.slice(2);
if (!program) {
  console.error("usage: node tools/slither.mjs SLITHER (expected the path of the program)");
  process.exit(2);
}
const out = "target/slither";
const report = `${out}.json`;
const env = {
  ...process.env,
  PATH: `${resolve("tools")}${delimiter}${process.env.PATH}`,
  // Its own output, without the optimizer: only the syntax tree matters, and what is too large unoptimized isn't deployed.
  FOUNDRY_OUT: out,
  FOUNDRY_CACHE_PATH: `${out}-cache`,
  FOUNDRY_OPTIMIZER: "false",
  FOUNDRY_DENY: "never",
};
rmSync(out, { recursive: true, force: true });
rmSync(report, { force: true });
const build = spawnSync(
  "tools/forge",
  ["build", "--skip", "./test/**", "--skip", "./script/**", "--build-info", "--force", "--quiet"],
  { stdio: ["ignore", "ignore", "pipe"], env, encoding: "utf8" },
);
if (build.status !== 0) {
  console.error(`slither: the build failed\n${build.stderr}`);
  process.exit(1);
}
const run = spawnSync(
  program,
  [".", "--foundry-ignore-compile", "--foundry-out-directory", out, "--json", report],
  { stdio: ["ignore", "ignore", "pipe"], env, encoding: "utf8" },
);
// Its exit status says how many findings there are; whether it worked, the report says.
if (!existsSync(report)) {
  console.error(`slither: no report\n${run.error ?? run.stderr}`);
  process.exit(1);
}
const { success, error, results } = JSON.parse(readFileSync(report, "utf8"));
if (!success) {
  console.error(`slither: ${error}`);
  process.exit(1);
}

/** What a finding is about: the first element with the names around it, such as `Staking.withdraw`. */
function place({ elements: [element] }) {
  const names = [];
  for (let at = element; at && at.name !== undefined; at = at.type_specific_fields?.parent) {
    if (["contract", "function", "variable", "struct", "enum", "event"].includes(at.type)) names.unshift(at.name);
  }
  return names.join(".").replaceAll(/slither(Constructor\w*)/g, "constants");
}

/** Rows "| `detector` | `place`, `place` × 2 | reason |" of the triage: how many findings of a detector are explained at a place. */
const triage = new Map();
for (const line of readFileSync("docs/audit/slither.md", "utf8").split("\n")) {
  const [, detector, places] = /^\| `([a-z-]+)` \| (.+?) \| (.+) \|$/.exec(line) ?? [];
  if (!detector) continue;
  for (const [, name, count] of places.matchAll(/`([^`]+)`(?: × (\d+))?/g)) {
    triage.set(`${detector} ${name}`, Number(count ?? 1));
  }
}

const found = results.detectors ?? [];
let wrong = 0;
for (const finding of found) {
  const key = `${finding.check} ${place(finding)}`;
  const left = triage.get(key) ?? 0;
  triage.set(key, left - 1);
  if (left > 0) continue;
  wrong += 1;
  console.error(`slither: not triaged: ${key} (${finding.impact}, ${finding.confidence})\n${finding.description}`);
}
for (const [key, left] of triage) {
  if (left <= 0) continue;
  wrong += 1;
  console.error(`slither: triaged, but not found any more: ${key} (${left} of them)`);
}
if (wrong !== 0) process.exit(1);
console.log(`slither: ${found.length} findings, all triaged`);
