// Compares the size, the ABI and the storage layout of every contract in contracts/ with snapshots/, and checks the
// bounds of code sizes and of a slot's gas. With --write it rewrites the snapshots. abi.json has the compiler's JSON
// ABI of each contract for clients, an entry a line; signatures.json has the same entries for readers.
// usage: node tools/snapshots.mjs [--write]
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const SIZE_LIMIT = 24_576; // bytes of deployed code, EIP-170
const SLOT_LIMIT = 650_000; // gas of the transactions of a slot of one blob and one chunk, rule H2
const SLOT = [
  "propose, first, with the seed's proof",
  "commit, by the prover",
  "reveal, one blob",
  "finalize, 1 chunk",
];
const write = process.argv.includes("--write");
execFileSync(
  "tools/forge",
  [
    ...["build", "--force", "--skip", "test", "--skip", "script", "--extra-output", "storageLayout"],
    ...["--out", "out/snapshots", "--cache-path", "cache/snapshots"],
  ],
  { stdio: ["ignore", "ignore", "inherit"] },
);

/** Readable signature of an ABI entry. */
const type = (p) => (p.type.startsWith("tuple") ? `(${p.components.map(type).join(",")})${p.type.slice(5)}` : p.type);
const inputs = (e) => e.inputs.map((p) => type(p) + (p.indexed ? " indexed" : "")).join(",");
const signature = (e) =>
  e.type === "function"
    ? `function ${e.name}(${inputs(e)}) ${e.stateMutability} returns (${e.outputs.map(type).join(",")})`
    : `${e.type}${e.name ? ` ${e.name}` : ""}(${inputs(e)})`;

/** Lines of a storage layout: each variable, and below it the members of its struct, array element or mapped value. */
const layout = (types, variables, indent = "") =>
  variables.flatMap((v) => {
    let inner = types[v.type];
    while (inner.base ?? inner.value) inner = types[inner.base ?? inner.value];
    const line = `${indent}slot ${v.slot} offset ${v.offset}: ${v.label} ${types[v.type].label}`;
    return [line, ...layout(types, inner.members ?? [], indent + "  ")];
  });

/** Constructors first, then functions, events and errors by their signatures. */
const KINDS = ["constructor", "receive", "fallback", "function", "event", "error"];
const order = (entry) => `${KINDS.indexOf(entry.type)} ${signature(entry)}`;
const sorted = (abi) => [...abi].sort((a, b) => (order(a) < order(b) ? -1 : 1));

/** JSON with an ABI entry on each line. */
const abiText = (all) => {
  const contract = ([name, abi]) => {
    const entries = abi.map((entry) => `\n    ${JSON.stringify(entry)}`).join(",");
    return `  ${JSON.stringify(name)}: [${entries}${entries && "\n  "}]`;
  };
  return `{\n${Object.entries(all).map(contract).join(",\n")}\n}\n`;
};

const sizes = {};
const abis = {};
const signatures = {};
const layouts = {};
for (const folder of readdirSync("out/snapshots").filter((f) => f.endsWith(".sol")).sort()) {
  for (const file of readdirSync(join("out/snapshots", folder)).sort()) {
    const artifact = JSON.parse(readFileSync(join("out/snapshots", folder, file), "utf8"));
    const source = Object.keys(artifact.metadata?.settings?.compilationTarget ?? {})[0] ?? "";
    if (!source.startsWith("contracts/")) continue;
    const bytes = (artifact.deployedBytecode?.object.length ?? 2) / 2 - 1;
    const name = file.replace(".json", "");
    abis[name] = sorted(artifact.abi);
    signatures[name] = artifact.abi.map(signature).sort();
    if (bytes <= 0) continue;
    sizes[name] = bytes;
    const storage = artifact.storageLayout?.storage ?? [];
    if (storage.length > 0) layouts[name] = layout(artifact.storageLayout.types, storage);
  }
}

let failed = false;
mkdirSync("snapshots", { recursive: true });
const plain = (value) => JSON.stringify(value, null, 2) + "\n";
const files = { sizes: plain(sizes), abi: abiText(abis), signatures: plain(signatures), storage: plain(layouts) };
for (const [what, text] of Object.entries(files)) {
  const path = `snapshots/${what}.json`;
  if (write) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`${path} differs from the code: read the change, then run \`make snapshots\``);
    failed = true;
  }
}
for (const [name, bytes] of Object.entries(sizes)) {
  if (bytes > SIZE_LIMIT) {
    console.error(`${name}: expected at most ${SIZE_LIMIT} bytes of code, got ${bytes}`);
    failed = true;
  }
}
if (Object.keys(sizes).length === 0) {
  console.error("snapshots: expected contracts below contracts/, found none");
  failed = true;
}
const gas = JSON.parse(readFileSync("snapshots/Slot.json", "utf8"));
const slot = SLOT.reduce((sum, name) => sum + Number(gas[name]), 0);
if (!(slot <= SLOT_LIMIT)) {
  const what = `a slot (${SLOT.join("; ")})`;
  console.error(`snapshots/Slot.json: expected at most ${SLOT_LIMIT} gas for ${what}, got ${slot}`);
  failed = true;
}
process.exit(failed ? 1 : 0);
