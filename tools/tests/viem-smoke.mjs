// Drives the node at argv[2] with viem, as a wallet or an explorer does. Prints "ok" or throws.
import assert from "node:assert/strict";
import {
  createPublicClient,
  createTestClient,
  createWalletClient,
  defineChain,
  http,
  keccak256,
  parseEther,
  toHex,
  webSocket,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";

const url = process.argv[2];
const chain = defineChain({
  id: 31337,
  name: "embedded",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const transport = http(url);
const reader = createPublicClient({ chain, transport, pollingInterval: 20 });
const account = privateKeyToAccount("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
const writer = createWalletClient({ account, chain, transport });

assert.equal(await reader.getChainId(), 31337);
const to = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65";
const before = await reader.getBalance({ address: to });
const hash = await writer.sendTransaction({ to, value: parseEther("2") });
const receipt = await reader.waitForTransactionReceipt({ hash });
assert.equal(receipt.status, "success");
assert.equal(await reader.getBalance({ address: to }), before + parseEther("2"));

// A contract that logs its argument under topic 0x2a and returns it.
const runtime = "5f35805f52602a60205fa160205ff3";
const deployed = await writer.deployContract({
  abi: [],
  bytecode: `0x60${(runtime.length / 2).toString(16).padStart(2, "0")}8060095f395ff3${runtime}`,
});
const { contractAddress } = await reader.waitForTransactionReceipt({ hash: deployed });
const data = toHex(77, { size: 32 });
assert.equal((await reader.call({ to: contractAddress, data })).data, data);
const logged = await reader.waitForTransactionReceipt({
  hash: await writer.sendTransaction({ to: contractAddress, data }),
});
const logs = await reader.getLogs({ address: contractAddress, fromBlock: 0n });
assert.deepEqual(logs.map((log) => log.data), [data]);
assert.equal(logs[0].blockHash, logged.blockHash);

const block = await reader.getBlock({ includeTransactions: true });
assert.equal(block.hash, logged.blockHash);
assert.equal(block.transactions[0].hash, logged.transactionHash);
assert.equal(block.baseFeePerGas > 0n, true);
const fees = await reader.estimateFeesPerGas();
assert.equal(fees.maxFeePerGas >= block.baseFeePerGas, true);
const proof = await reader.getProof({ address: to, storageKeys: [] });
assert.equal(proof.balance, before + parseEther("2"));
assert.equal(keccak256(proof.accountProof[0]), block.stateRoot);
await assert.rejects(reader.call({ to: contractAddress, data, account: to, value: parseEther("1000000") }));

// A WebSocket pushes heads and logs.
const socket = createPublicClient({ chain, transport: webSocket(url.replace("http", "ws")) });
const heads = [];
const pushed = [];
const unwatch = [
  socket.watchBlockNumber({ onBlockNumber: (number) => heads.push(number) }),
  socket.watchEvent({ address: contractAddress, onLogs: (logs) => pushed.push(...logs) }),
];
assert.equal(await socket.getChainId(), 31337);
await new Promise((resolve) => setTimeout(resolve, 200));
await reader.waitForTransactionReceipt({ hash: await writer.sendTransaction({ to: contractAddress, data }) });
for (let wait = 0; wait < 100 && (heads.length < 1 || pushed.length < 1); wait++) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
assert.deepEqual(heads, [block.number + 1n]);
assert.deepEqual(pushed.map((log) => log.data), [data]);
unwatch.forEach((stop) => stop());
(await socket.transport.getRpcClient()).close();

const tester = createTestClient({ chain, mode: "anvil", transport });
await tester.request({ method: "fernet_mine", params: ["0x2"] });
assert.equal(await reader.getBlockNumber({ cacheTime: 0 }), block.number + 3n);
console.log("ok");
