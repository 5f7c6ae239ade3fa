// Reads every ABI of snapshots/abi.json with viem and with ethers, as clients do: each function, event and error must
// be there, with the same selector in both. Prints "ok" or throws.
// usage: node tools/tests/abi.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Interface } from "ethers";
import { decodeFunctionData, encodeFunctionData, parseAbi, toEventSelector, toFunctionSelector } from "viem";

const read = (name) => JSON.parse(readFileSync(`snapshots/${name}.json`, "utf8"));
const abis = read("abi");
const signatures = read("signatures");
assert.deepEqual(Object.keys(abis), Object.keys(signatures));

/** Values of a type that encode: zeros, empty texts and lists. */
const zero = ({ type, components }) => {
  const array = /^(.*)\[(\d*)\]$/.exec(type);
  if (array) return Array.from({ length: Number(array[2]) }, () => zero({ type: array[1], components }));
  if (type === "tuple") return Object.fromEntries(components.map((member) => [member.name, zero(member)]));
  if (type === "string") return "";
  if (type === "bool") return false;
  if (type === "bytes") return "0x";
  if (type === "address") return `0x${"00".repeat(20)}`;
  if (type.startsWith("bytes")) return `0x${"00".repeat(Number(type.slice(5)))}`;
  return BigInt(0);
};

let entries = 0;
let changing = 0;
for (const [contract, abi] of Object.entries(abis)) {
  assert.equal(abi.length, signatures[contract].length, contract);
  const ethers = new Interface(abi);
  const named = abi.filter((entry) => ["function", "event", "error"].includes(entry.type));
  const fragments = ethers.fragments.filter((fragment) => ["function", "event", "error"].includes(fragment.type));
  assert.equal(fragments.length, named.length, `${contract}: ethers reads another number of entries`);
  for (const entry of named) {
    entries += 1;
    const where = `${contract}.${entry.name}`;
    if (entry.type === "event") {
      assert.equal(ethers.getEvent(toEventSelector(entry))?.name, entry.name, where);
      continue;
    }
    // viem reads an error's selector like a function's
    const selector = toFunctionSelector({ ...entry, type: "function", outputs: [], stateMutability: "view" });
    if (entry.type === "error") {
      assert.equal(ethers.getError(selector)?.name, entry.name, where);
      continue;
    }
    assert.ok(["pure", "view", "nonpayable", "payable"].includes(entry.stateMutability), where);
    if (["nonpayable", "payable"].includes(entry.stateMutability)) changing += 1;
    assert.equal(ethers.getFunction(selector)?.name, entry.name, where);
    assert.equal(ethers.getFunction(selector).stateMutability, entry.stateMutability, where);
    const values = entry.inputs.map(zero);
    const data = encodeFunctionData({ abi: [entry], functionName: entry.name, args: values });
    assert.equal(decodeFunctionData({ abi, data }).functionName, entry.name, where);
    assert.equal(ethers.encodeFunctionData(selector, values), data, where);
  }
}
assert.ok(entries > 0 && changing > 0, "snapshots/abi.json is empty");
assert.equal(
  new Interface(abis.Staking).getFunction("initiateExit").selector,
  toFunctionSelector(parseAbi(["function initiateExit(uint32)"])[0]),
);
console.log("ok");
