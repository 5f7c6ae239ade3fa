// Runs `forge coverage` and fails when contracts/ has less than the given percentage of branches covered.
// usage: node tools/coverage.mjs PERCENT
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

const minimum = Number(process.argv[2]);
if (!(minimum > 0 && minimum <= 100)) {
  console.error("usage: node tools/coverage.mjs PERCENT (expected a number from 1 to 100)");
  process.exit(2);
}

// Without the optimizer, the output of all tests together is more than the compiler can write. These tests cover
// nothing that others leave out.
const left = ["invariant/**", "gas/**", "symbolic/**", "attacks/Reentrancy.t.sol", "integration/Pairs.t.sol"];
const skipped = left.flatMap((path) => ["--skip", `./test/${path}`]);
const report = "lcov.info";
const run = spawnSync(
  "tools/forge",
  ["coverage", "--report", "lcov", "--report-file", report, ...skipped],
  { encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, FOUNDRY_FUZZ_RUNS: "32" } },
);
if (run.status !== 0) {
  const failures = run.stdout.split("\n").filter((line) => line.startsWith("[FAIL"));
  console.error(`coverage: forge failed\n${[...new Set(failures)].join("\n")}\n${run.stderr}`);
  process.exit(1);
}

/** Branch and line counts by file, of files below contracts/. */
const files = [];
let current;
for (const line of readFileSync(report, "utf8").split("\n")) {
  const [key, value] = line.split(/:(.*)/s);
  if (key === "SF") current = { name: value, branches: 0, branchesHit: 0, lines: 0, linesHit: 0 };
  else if (key === "BRF") current.branches = Number(value);
  else if (key === "BRH") current.branchesHit = Number(value);
  else if (key === "LF") current.lines = Number(value);
  else if (key === "LH") current.linesHit = Number(value);
  else if (line === "end_of_record" && current.name.startsWith("contracts/")) files.push(current);
}
rmSync(report);

const percent = (hit, all) => (all === 0 ? 100 : (100 * hit) / all);
const show = (f) =>
  `${f.name.padEnd(48)} lines ${percent(f.linesHit, f.lines).toFixed(1).padStart(5)} %   branches ` +
  `${percent(f.branchesHit, f.branches).toFixed(1).padStart(5)} % (${f.branchesHit}/${f.branches})`;
const total = files.reduce(
  (sum, f) => ({
    ...sum,
    lines: sum.lines + f.lines,
    linesHit: sum.linesHit + f.linesHit,
    branches: sum.branches + f.branches,
    branchesHit: sum.branchesHit + f.branchesHit,
  }),
  { name: "contracts/", lines: 0, linesHit: 0, branches: 0, branchesHit: 0 },
);
for (const f of files) console.log(show(f));
console.log(show(total));
if (total.branches === 0) {
  console.error("coverage: no branch of contracts/ was measured; expected a report over contracts/");
  process.exit(1);
}
if (percent(total.branchesHit, total.branches) < minimum) {
  console.error(`coverage: expected at least ${minimum} % of branches`);
  process.exit(1);
}
