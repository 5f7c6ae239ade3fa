// The ledger's state and what operations do to it: docs/rollup/README.md, "Ledger" and "Data".
import { hex, word } from "./bytes.mjs";
import { element } from "./field.mjs";
import { isKey, sign, verify } from "./jubjub.mjs";
import { entry, unpack } from "./ledger.mjs";
import { emptyRoots, leaf, node } from "./poseidon.mjs";

const LEVELS = 16;
const ARITY_BITS = 2;
const NONCE_BITS = 168n;
const MAX_32 = 2n ** 32n - 1n;
const MAX_64 = 2n ** 64n - 1n;

const PADDING = 0n;
const TRANSFER = 1n;
const WITHDRAWAL = 2n;
const DEPOSIT = 3n;
const TARGET = 4n;

const check = (holds, what) => {
  if (!holds) throw new Error(what);
};

/** J3: root of a subtree of `level` levels that has these [place, account] pairs. */
const subtree = (level, leaves) => {
  if (leaves.length === 0) return emptyRoots[level];
  if (level === 0) return leaf(leaves[0][1]);
  const size = 2 ** (ARITY_BITS * (level - 1));
  const children = [0, 1, 2, 3].map((child) =>
    leaves.filter(([place]) => Math.floor(place / size) === child).map(([place, account]) => [place % size, account]),
  );
  return node(children.map((part) => subtree(level - 1, part)));
};

/** The accounts by index, the rules of a block, and the secrets of those who sign. */
export class State {
  constructor(accounts, { domain, feeRecipient, feeBurnBps, secrets }) {
    this.accounts = new Map(
      accounts.map(({ index, keyX, keyY, balance, nonce }) => [
        BigInt(index),
        { keyX: BigInt(keyX), keyY: BigInt(keyY), balance: BigInt(balance), nonce: BigInt(nonce) },
      ]),
    );
    this.secrets = new Map(secrets.map(({ index, secret }) => [BigInt(index), secret]));
    Object.assign(this, { domain, feeRecipient: BigInt(feeRecipient), feeBurnBps: BigInt(feeBurnBps) });
    this.signatures = [];
  }

  root() {
    return subtree(LEVELS, [...this.accounts].map(([index, account]) => [Number(index), account]));
  }

  list() {
    const sorted = [...this.accounts].sort(([a], [b]) => Number(a - b));
    return sorted.map(([index, { keyX, keyY, balance, nonce }]) => ({
      index,
      keyX: hex(word(keyX)),
      keyY: hex(word(keyY)),
      balance,
      nonce,
    }));
  }

  /** Executes a chunk's elements, taking entries of L1's queue from the front. */
  execute(elements, queue) {
    const operations = elements.map((value) => unpack(element(value)));
    let fees = 0n;
    for (let place = 0; place < operations.length; place += 1) {
      const [operation, packed, follows] = [operations[place], elements[place], operations[place + 1]];
      if (operation.kind === PADDING) continue;
      check(operation.kind !== TARGET, "a target without a withdrawal");
      if (operation.kind === WITHDRAWAL) {
        check(follows?.kind === TARGET, "a withdrawal without a target");
        place += 1;
      }
      if (operation.kind === DEPOSIT) this.deposit(operation, queue.shift());
      else if (operation.kind === WITHDRAWAL && operation.to === 1n) this.exit(operation, follows, queue.shift());
      else fees += this.signed(operation, follows, packed);
    }
    this.creditFees(fees);
  }

  /** J10. */
  deposit({ to, amount }, queued) {
    const { head, x, y } = entry({ ...queued, exit: queued.kind === "exit" });
    check(head === to + (amount << 32n), "a deposit that is not the queue's next entry");
    check(isKey(element(x), element(y)), "a deposit's key is not on the curve");
    if (!this.accounts.has(to)) this.accounts.set(to, { keyX: x, keyY: y, balance: 0n, nonce: 0n });
    const account = this.accounts.get(to);
    check(account.keyX === x && account.keyY === y, "a deposit with another key than the account's");
    this.credit(account, amount);
  }

  /** J9. */
  exit({ from, amount }, target, queued) {
    const { head, x } = entry({ ...queued, exit: queued.kind === "exit" });
    check(head === from + (1n << 96n) && x === target.address, "an exit that is not the queue's next entry");
    const account = this.accounts.get(from);
    check(amount === (account?.balance ?? 0n), "an exit of another amount than the balance");
    if (account !== undefined) account.balance = 0n;
  }

  /** J7, J8, J14. Returns the fee. */
  signed({ kind, from, to, amount, fee }, follows, packed) {
    const account = this.accounts.get(from);
    check(account !== undefined && account.nonce < MAX_32, "a payer that can't sign");
    check(account.balance >= amount + fee, "a payer that can't pay");
    const { keyX: x, keyY: y } = account;
    const m = element(packed) + (account.nonce << NONCE_BITS);
    const a = kind === WITHDRAWAL ? follows.address : 0n;
    const signature = sign({ secret: this.secrets.get(from), domain: this.domain, m, a });
    check(verify({ domain: this.domain, x, y, m, a, signature }), "a signature that doesn't hold");
    this.signatures.push(hex(signature));
    account.balance -= amount + fee;
    account.nonce += 1n;
    if (kind === TRANSFER) {
      check(this.accounts.has(to), "a recipient that doesn't exist");
      this.credit(this.accounts.get(to), amount);
    }
    return fee;
  }

  /** J13. */
  creditFees(fees) {
    const burned = (fees * this.feeBurnBps) / 10_000n;
    const recipient = this.accounts.get(this.feeRecipient);
    if (recipient !== undefined) this.credit(recipient, fees - burned);
  }

  credit(account, amount) {
    account.balance += amount;
    check(account.balance <= MAX_64, "a balance above 64 bits");
  }
}
