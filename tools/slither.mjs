// Runs slither over contracts/ and compares its findings, of every severity, with the triage in docs/audit/slither.md.
// Fails on a finding without a triage, and on a place in the triage that has no finding any more.
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
  // A build of its own, without the optimizer. Only the syntax tree matters: contracts that exceed the size limit
  // without optimization are never deployed.
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
// The exit status is the number of findings. Only the report says whether the run succeeded.
if (!existsSync(report)) {
  console.error(`slither: it wrote no report\n${run.error ?? run.stderr}`);
  process.exit(1);
}
const { success, error, results } = JSON.parse(readFileSync(report, "utf8"));
if (!success) {
  console.error(`slither: ${error}`);
  process.exit(1);
}

/** The place of a finding: its first element, with the names around it, such as `Staking.withdraw`. */
function place({ elements: [element] }) {
  const names = [];
  for (let at = element; at && at.name !== undefined; at = at.type_specific_fields?.parent) {
    if (["contract", "function", "variable", "struct", "enum", "event"].includes(at.type)) names.unshift(at.name);
  }
  return names.join(".").replaceAll(/slither(Constructor\w*)/g, "constants");
}

/**
 * The number of findings that the triage explains, by detector and place. A section "## `detector`" has paragraphs,
 * and a paragraph that begins with "At " lists places in its first sentence: "At `place` and `place` (2 findings): …".
 */
const triage = new Map();
const [, ...sections] = readFileSync("docs/audit/slither.md", "utf8").split(/^## /m);
for (const section of sections) {
  const [, detector] = /^`([a-z-]+)`\n/.exec(section) ?? [];
  if (!detector) continue;
  for (const [, places] of section.matchAll(/^At ([^:]+):/gm)) {
    for (const [, name, count] of places.matchAll(/`([^`]+)`(?:\s\((\d+)\sfindings\))?/g)) {
      triage.set(`${detector} ${name}`, Number(count ?? 1));
    }
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
  console.error(`slither: no triage: ${key} (${finding.impact}, ${finding.confidence})\n${finding.description}`);
}
for (const [key, left] of triage) {
  if (left <= 0) continue;
  wrong += 1;
  console.error(`slither: the triage explains ${left} findings that are not there: ${key}`);
}
if (wrong !== 0) process.exit(1);
console.log(`slither: ${found.length} findings, all with a triage`);
