// Compares docs/protocol/interface.md with the interfaces of the contracts. Events must be the same in both; functions
// and structs of the page must be in the contracts. Names of parameters don't count, names of fields of structs do.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const FOLDER = "contracts/interfaces";

const VALUE_TYPES = {
  Slot: "uint64",
  L1Slot: "uint64",
  SequencerId: "uint32",
  Phase: "uint8",
  Outcome: "uint8",
  Status: "uint8",
  PayloadStatus: "uint8",
  Lane: "uint8",
  IStaking: "address",
  Windows: "uint256",
  Limits: "uint256",
};

const abiType = (type) => type.replace(/^\w+/, (name) => VALUE_TYPES[name] ?? name);

/** Types of a list of parameters, with "indexed" where it is. */
const types = (list) =>
  list
    .split(",")
    .map((parameter) => parameter.trim().split(/\s+/))
    .filter(([type]) => type !== "")
    .map(([type, next]) => abiType(type) + (next === "indexed" ? " indexed" : ""))
    .join(",");

/** Events, functions and structs of Solidity, in one form each. */
const signatures = (source) => {
  const code = source.replace(/\/\/.*$/gm, "").replace(/\s+/g, " ");
  const found = [];
  for (const [, kind, name, list, rest] of code.matchAll(/\b(event|function) (\w+)\(([^)]*)\)([^;{]*)/g)) {
    const returns = /returns \(([^)]*)\)/.exec(rest)?.[1];
    const mutability = /\b(view|pure)\b/.exec(rest)?.[1];
    const suffix = [mutability, returns === undefined ? undefined : `returns (${types(returns)})`].filter(Boolean);
    found.push([`${kind} ${name}(${types(list)})`, ...suffix].join(" "));
  }
  for (const [, name, body] of code.matchAll(/\bstruct (\w+) \{([^}]*)\}/g)) {
    const fields = body.split(";").map((field) => field.trim().split(/\s+/));
    const written = fields.filter(([type]) => type !== "").map(([type, field]) => `${abiType(type)} ${field}`);
    found.push(`struct ${name} { ${written.join("; ")} }`);
  }
  return found;
};

const compare = (page, contracts, failures) => {
  const [documented, actual] = [new Set(page), new Set(contracts)];
  for (const one of documented) if (!actual.has(one)) failures.push(`interface.md: no contract has "${one}"`);
  for (const one of actual) {
    const missing = one.startsWith("event ") && !documented.has(one);
    if (missing) failures.push(`interface.md: "${one}" of the contracts is missing`);
  }
};

/** Compares, and expects a missing and an unknown event to be noticed. Returns how many signatures the page has. */
export const checkInterface = (failures) => {
  const page = signatures(readFileSync("docs/protocol/interface.md", "utf8"));
  const contracts = readdirSync(FOLDER).flatMap((file) => signatures(readFileSync(join(FOLDER, file), "utf8")));
  compare(page, contracts, failures);
  const withoutEvent = page.filter((one) => !one.startsWith("event SlotExpired("));
  for (const planted of [withoutEvent, [...page, "event Unknown(uint64)"]]) {
    const noticed = [];
    compare(planted, contracts, noticed);
    if (noticed.length === 0) failures.push("interface.md: expected a planted difference to be noticed, it was not");
  }
  return page.length;
};
