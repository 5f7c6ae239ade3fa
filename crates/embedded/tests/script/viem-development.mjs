// Drives a development node at argv[2] with viem's test client, action by action. The node mines on transactions.
// Prints "ok" or throws.
import assert from "node:assert/strict";
import {
  createPublicClient, createTestClient, createWalletClient, http, maxUint256, parseEther, parseGwei, toHex, webSocket,
} from "viem";
import { foundry } from "viem/chains";

const url = process.argv[2];
const chain = { ...foundry, rpcUrls: { default: { http: [url] } } };
const transport = http(url);
const reader = createPublicClient({ chain, transport, cacheTime: 0, pollingInterval: 20 });
const writer = createWalletClient({ chain, transport });
const anvil = createTestClient({ chain, mode: "anvil", transport });
const hardhat = createTestClient({ chain, mode: "hardhat", transport });
const ganache = createTestClient({ chain, mode: "ganache", transport });

const [alice, bob, carol] = await writer.getAddresses();
assert.equal((await writer.requestAddresses()).length, 10);
const head = () => reader.getBlock();
const refused = (action, message) => assert.rejects(action, (error) => {
  assert.match(`${error.details ?? error.message}`, message);
  return true;
});

// time, on the grid of 12 second slots
const start = await head();
await anvil.increaseTime({ seconds: 24 });
await anvil.increaseTime({ seconds: 36 });
await anvil.mine({ blocks: 1 });
assert.equal((await head()).timestamp, start.timestamp + 60n);
await hardhat.mine({ blocks: 3, interval: 24 });
assert.equal((await head()).timestamp, start.timestamp + 60n + 12n + 48n);
assert.equal((await head()).number, start.number + 4n);
await ganache.mine({ blocks: 2 });
assert.equal((await head()).number, start.number + 6n);
const planned = (await head()).timestamp + 1200n;
await anvil.setNextBlockTimestamp({ timestamp: planned });
await anvil.mine({ blocks: 1 });
assert.equal((await head()).timestamp, planned);
await refused(anvil.increaseTime({ seconds: 100 }), /100 seconds aren't whole slots: expected a multiple of 12/);
await refused(anvil.setNextBlockTimestamp({ timestamp: planned + 13n }), /expected \d+ or \d+/);
await refused(anvil.setNextBlockTimestamp({ timestamp: planned }), /isn't ahead/);
await anvil.setBlockTimestampInterval({ interval: 36 });
await anvil.mine({ blocks: 2 });
assert.equal((await head()).timestamp, planned + 72n);
await anvil.removeBlockTimestampInterval();
await anvil.mine({ blocks: 1 });
assert.equal((await head()).timestamp, planned + 84n);

// accounts
for (const client of [anvil, hardhat, ganache]) {
  await client.setBalance({ address: carol, value: parseEther("7") });
  assert.equal(await reader.getBalance({ address: carol }), parseEther("7"));
  await client.setBalance({ address: carol, value: 0n });
}
await anvil.setBalance({ address: carol, value: maxUint256 / 2n });
await anvil.setNonce({ address: carol, nonce: 42 });
assert.equal(await reader.getTransactionCount({ address: carol }), 42);
const contract = "0x00000000000000000000000000000000000c0de0";
await anvil.setCode({ address: contract, bytecode: "0x5f545f5260205ff3" }); // RETURN(SLOAD(0))
assert.equal(await reader.getCode({ address: contract }), "0x5f545f5260205ff3");
await anvil.setStorageAt({ address: contract, index: 0, value: toHex(77, { size: 32 }) });
assert.equal(await reader.getStorageAt({ address: contract, slot: "0x0" }), toHex(77, { size: 32 }));
assert.equal((await reader.call({ to: contract })).data, toHex(77, { size: 32 }));

// snapshots
const snapshot = await anvil.snapshot();
const before = await head();
await writer.sendTransaction({ account: alice, to: bob, value: 5n });
assert.equal((await head()).number, before.number + 1n);
await anvil.revert({ id: snapshot });
assert.equal((await head()).hash, before.hash);
await anvil.revert({ id: snapshot }); // false: it is gone

// impersonation, of a contract too
await refused(writer.sendTransaction({ account: contract, to: bob, value: 1n }), /unknown account/);
await anvil.setBalance({ address: contract, value: parseEther("1") });
await anvil.impersonateAccount({ address: contract });
const impersonated = await writer.sendTransaction({ account: contract, to: bob, value: 1n });
assert.equal((await reader.getTransactionReceipt({ hash: impersonated })).from, contract);
await anvil.stopImpersonatingAccount({ address: contract });
await refused(writer.sendTransaction({ account: contract, to: bob, value: 1n }), /unknown account/);
const unsigned = await anvil.sendUnsignedTransaction({ from: contract, to: bob, value: 1n });
assert.equal((await reader.getTransactionReceipt({ hash: unsigned })).status, "success");

// signatures of the development accounts
assert.equal(await reader.verifyMessage({
  address: alice, message: "hello", signature: await writer.signMessage({ account: alice, message: "hello" }),
}), true);
const typedData = {
  domain: { name: "test", chainId: 31337 },
  types: { Mail: [{ name: "contents", type: "string" }] },
  primaryType: "Mail",
  message: { contents: "hello" },
};
const signature = await writer.signTypedData({ account: alice, ...typedData });
assert.equal(await reader.verifyTypedData({ address: alice, signature, ...typedData }), true);

// the pool, and who watches it
assert.equal(await anvil.getAutomine(), true);
await anvil.setAutomine(false);
assert.equal(await hardhat.getAutomine(), false);
const filter = await reader.createPendingTransactionFilter();
const socket = createPublicClient({ chain, transport: webSocket(url.replace("http", "ws")) });
const pushed = [];
const bothPushed = new Promise((resolve) => {
  const onTransactions = (hashes) => pushed.push(...hashes) === 2 && resolve();
  socket.watchPendingTransactions({ onTransactions, batch: false });
});
await socket.getChainId(); // answered after the subscription
const nonce = await reader.getTransactionCount({ address: alice });
const first = await writer.sendTransaction({ account: alice, to: bob, value: 1n });
const gap = await writer.sendTransaction({ account: alice, to: bob, value: 1n, nonce: nonce + 5, gas: 21_000n });
assert.deepEqual(await reader.getFilterChanges({ filter }), [first, gap]);
assert.deepEqual(await reader.getFilterChanges({ filter }), []);
assert.deepEqual(await anvil.getTxpoolStatus(), { pending: 1, queued: 1 });
const content = await anvil.getTxpoolContent();
const of = (side) => Object.entries(side).find(([address]) => address.toLowerCase() === alice.toLowerCase())[1];
assert.equal(of(content.pending)[nonce].hash, first);
assert.equal(of(content.queued)[nonce + 5].hash, gap);
assert.match(of((await anvil.inspectTxpool()).queued)[nonce + 5], /^0x[0-9a-fA-F]{40}: 1 wei \+ 21000 gas × \d+ wei$/);
await anvil.dropTransaction({ hash: gap });
assert.deepEqual(await anvil.getTxpoolStatus(), { pending: 1, queued: 0 });
await anvil.mine({ blocks: 1 });
assert.equal((await reader.getTransactionReceipt({ hash: first })).status, "success");
await bothPushed;
assert.deepEqual(pushed, [first, gap]);
(await socket.transport.getRpcClient()).close();

// the next block
await anvil.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei("20") });
await anvil.setBlockGasLimit({ gasLimit: 10_000_000n });
await anvil.setCoinbase({ address: bob });
await anvil.mine({ blocks: 1 });
const block = await head();
assert.equal(block.baseFeePerGas, parseGwei("20"));
assert.equal(block.gasLimit, 10_000_000n);
assert.equal(block.miner.toLowerCase(), bob.toLowerCase());

// simulation
const [simulated] = await reader.simulateBlocks({
  blocks: [{
    calls: [{ account: alice, to: contract }, { account: alice, to: bob, value: 9n }],
    stateOverrides: [{
      address: contract,
      stateDiff: [{ slot: toHex(0, { size: 32 }), value: toHex(5, { size: 32 }) }],
    }],
  }],
  traceTransfers: true,
});
assert.equal(simulated.number, block.number + 1n);
assert.deepEqual(simulated.calls.map((call) => call.status), ["success", "success"]);
assert.equal(simulated.calls[0].data, toHex(5, { size: 32 }));
assert.equal(simulated.calls[1].logs.length, 1);

// refusals in geth's words
await refused(
  reader.call({ account: alice, to: bob, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }),
  /max fee per gas less than block base fee: address 0x[0-9a-fA-F]{40}, maxFeePerGas: 1, baseFee: \d+/,
);
await refused(writer.sendTransaction({ account: alice, to: bob, nonce: 0, gas: 21_000n }), /nonce too low: next nonce/);

// absent on purpose: the error says why
await refused(anvil.dumpState(), /anvil_dumpState/);
await refused(anvil.setRpcUrl("http://localhost:1"), /anvil_setRpcUrl/);
await refused(anvil.setLoggingEnabled(true), /anvil_setLoggingEnabled/);
await refused(anvil.reset({ jsonRpcUrl: "http://localhost:1" }), /forking isn't supported/);

// an interval of real time, then back to the beginning
const last = await head();
await anvil.setIntervalMining({ interval: 1 });
await new Promise((resolve) => {
  const unwatch = reader.watchBlockNumber({
    onBlockNumber: (number) => number > last.number && resolve(unwatch()),
  });
});
await anvil.setIntervalMining({ interval: 0 });
await anvil.reset();
assert.equal((await head()).number, 0n);
console.log("ok");
