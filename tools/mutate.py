"""Mutation testing of contracts/: counts how many small faults in the code the tests notice.

All sampled mutants are compiled into one copy of the tree. Each is behind a switch that reads COINBASE, and the tests
run once per mutant with COINBASE set to the mutant's number (`forge test --block-coinbase`). So the compiler runs a
few times in all instead of once per mutant.
usage: mutate.py [--count N] [--seed N] [--minutes N] [--least PERCENT] [--only NUMBER,...] [--out REPORT.json]
"""
import argparse, json, os, random, re, shutil, subprocess, sys, time
from pathlib import Path

WORK = Path("target/mutants")
FILES = ["contracts/Rollup.sol", "contracts/Escrow.sol", "contracts/Staking.sol", "contracts/Rewards.sol"]
FOLDERS = ["contracts/rollup", "contracts/libraries", "contracts/types"]
TESTS = "test/{unit,fuzz,integration,differential,attacks}/**"
# These run only if the others notice nothing.
SLOW = "EntriesFuzzTest|CalldataTest|FreezeOrderTest|OperatorsTest|RewardsVectorsTest"
UNRELATED = "BlockVerifierTest|ProofsDifferentialTest"
STAGES = [["--no-match-contract", f"({SLOW}|{UNRELATED})"], ["--match-contract", f"({SLOW})"]]
SWITCH = """// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

function readSwitch(uint256 id) view returns (bool on) {
    assembly ("memory-safe") {
        on := eq(coinbase(), id)
    }
}

function mutant(uint256 id) pure returns (bool) {
    function(uint256) view returns (bool) reader = readSwitch;
    function(uint256) pure returns (bool) disguised;
    assembly ("memory-safe") {
        disguised := reader
    }
    return disguised(id);
}
"""
COMPARISONS = {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<"], ">=": [">", "<="], "==": ["!="], "!=": ["=="]}
ARITHMETIC = {"+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"]}
BITS = {"&": ["|"], "|": ["&"], "<<": [">>"], ">>": ["<<"]}
LOGIC = {"&&": ["||"], "||": ["&&"]}


def forge(args, **kwargs):
    env = dict(
        os.environ,
        FOUNDRY_OPTIMIZER="false",
        FOUNDRY_DENY="never",
        FOUNDRY_FUZZ_RUNS="16",
        FOUNDRY_DISABLE_NIGHTLY_WARNING="1",
        FOUNDRY_OUT="out",
        FOUNDRY_CACHE_PATH="cache",
        FOUNDRY_FUZZ_FAILURE_PERSIST_DIR="cache/fuzz",
    )
    command = ["tools/forge", *args]
    return subprocess.run(
        command, cwd=WORK, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs
    )


def copy_tree():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    left_out = shutil.ignore_patterns("symbolic", "bugs", "invariant", "__pycache__")
    for name in ["contracts", "test", "script", "tools", "vectors", "snapshots"]:
        shutil.copytree(name, WORK / name, ignore=left_out)
    shutil.copy("foundry.toml", WORK)
    (WORK / "node_modules").symlink_to(Path("node_modules").resolve())


def trees():
    """The syntax trees of the files that get mutants, by path."""
    run = forge(["build", "--skip", "./test/**", "--skip", "./script/**", "--ast", "--force"])
    if run.returncode != 0:
        sys.exit(run.stdout)
    found = {}
    for artifact in sorted((WORK / "out").glob("*.sol/*.json")):
        tree = json.loads(artifact.read_text()).get("ast")
        if tree and (tree["absolutePath"] in FILES or str(Path(tree["absolutePath"]).parent) in FOLDERS):
            found[tree["absolutePath"]] = tree
    return found


def span(node):
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def plain_number(node):
    """Whether the node is a decimal number without a unit."""
    if node.get("nodeType") != "Literal" or node.get("kind") != "number" or node.get("subdenomination"):
        return False
    return re.fullmatch(r"[0-9_]+", node["value"]) is not None


def mutations(tree, source):
    """All mutants inside functions, as (node, kind, mutated text, or None for a statement that is left out)."""
    out = []

    def text(node):
        start, end = span(node)
        return source[start:end].decode()

    def visit(node, inside, assembly):
        if isinstance(node, list):
            for child in node:
                visit(child, inside, assembly)
            return
        if not isinstance(node, dict):
            return
        kind = node.get("nodeType", "")
        if kind in ("FunctionDefinition", "ModifierDefinition"):
            visit(node.get("body"), True, assembly)
            return
        if kind == "InlineAssembly" or kind.startswith("Yul") or kind in ("EmitStatement", "RevertStatement"):
            # Assembly has tests of its own in Rust. The arguments of an event or an error get no mutants.
            if kind == "EmitStatement":
                out.append((node, "no event", None))
            return
        if inside:
            if kind == "BinaryOperation":
                operator, left, right = node["operator"], text(node["leftExpression"]), text(node["rightExpression"])
                for table in (COMPARISONS, ARITHMETIC, BITS, LOGIC):
                    for other in table.get(operator, []):
                        out.append((node, f"{operator} becomes {other}", f"(({left}) {other} ({right}))"))
            elif plain_number(node):
                value = int(node["value"].replace("_", ""))
                out.append((node, f"{value} becomes {value + 1}", str(value + 1)))
            elif kind == "IfStatement":
                condition = node["condition"]
                out.append((condition, "condition holds", "true"))
                out.append((condition, "condition fails", "false"))
            elif kind == "UnaryOperation" and node["operator"] == "!":
                out.append((node, "! is left out", f"({text(node['subExpression'])})"))
            elif kind == "Conditional":
                yes, no = text(node["trueExpression"]), text(node["falseExpression"])
                out.append((node, "choice is swapped", f"(({text(node['condition'])}) ? {no} : {yes})"))
            elif kind == "ExpressionStatement":
                out.append((node, "statement is left out", None))
            elif kind == "ForStatement":
                # The step of a loop gets no mutants: they would only make endless loops.
                visit(node.get("body"), inside, assembly)
                visit(node.get("condition"), inside, assembly)
                return
        for key, child in node.items():
            if isinstance(child, (dict, list)) and key != "typeDescriptions":
                visit(child, inside, assembly)

    visit(tree["nodes"], False, False)
    return out


def write(path, original, chosen):
    """Writes the file with its mutants (number, node, kind, text), each behind its switch.

    An inner mutant is part of the unmutated branch of an outer one.
    """
    edits = {}
    for number, node, _, mutated in chosen:
        edits.setdefault(span(node), []).append((number, mutated))

    def render(start, end, skip=None):
        inner = [s for s in edits if start <= s[0] and s[1] <= end and s != skip]
        top = [s for s in inner if not any(o != s and o[0] <= s[0] and s[1] <= o[1] for o in inner)]
        parts, at = [], start
        for s in sorted(top):
            parts.append(original[at:s[0]].decode())
            body = render(*s, skip=s)
            for number, mutated in edits[s]:
                # The source range of a statement includes its semicolon only if it emits an event.
                if mutated is None:
                    body = f"if (!mutant({number})) {body}"
                else:
                    body = f"(mutant({number}) ? {mutated} : {body})"
            parts.append(body)
            at = s[1]
        parts.append(original[at:end].decode())
        return "".join(parts)

    up = "../" * (len(Path(path).parts) - 1)
    text = render(0, len(original))
    pragma = "pragma solidity 0.8.37;\n"
    text = text.replace(pragma, f'{pragma}import {{mutant}} from "{up}contracts/Mutant.sol";\n', 1)
    (WORK / path).write_text(text)


def numbers(text):
    """The numbers of a list such as 3,17."""
    return {int(n) for n in text.split(",")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--least", type=float, default=95, help="percentage of mutants that the tests must kill")
    parser.add_argument("--only", type=numbers, help="numbers of the sampled mutants to run, as reported")
    parser.add_argument("--out", default="target/mutants.json")
    options = parser.parse_args()
    deadline = time.time() + 60 * options.minutes
    copy_tree()
    found = trees()
    sources = {path: Path(path).read_bytes() for path in found}
    everything = [(path, *m) for path in sorted(found) for m in mutations(found[path], sources[path])]
    sample = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    # One mutant per expression, so that no switch stands inside another of the same expression.
    chosen, taken = [], set()
    for path, node, kind, mutated in sample:
        if (path, node["src"]) not in taken:
            taken.add((path, node["src"]))
            chosen.append((len(chosen) + 1, path, node, kind, mutated))
    total = f"{len(everything)} mutants possible in {len(found)} files"
    print(f"seed {options.seed}: {total}, {len(chosen)} sampled", flush=True)
    (WORK / "contracts/Mutant.sol").write_text(SWITCH)

    invalid = {}
    while True:
        for path in found:
            of_file = [(n, node, k, m) for n, p, node, k, m in chosen if p == path and n not in invalid]
            write(path, sources[path], of_file)
        run = forge(["build", "--skip", "./test/**", "--skip", "./script/**"])
        if run.returncode == 0:
            break
        # A mutant that does not compile is dropped. The place of the compiler's error gives its number.
        bad = set()
        for path, line, column in re.findall(r"--> (contracts/\S+?):(\d+):(\d+)", run.stdout):
            if path not in found:
                continue
            lines = (WORK / path).read_text().split("\n")
            before = "\n".join(lines[: int(line) - 1])[-400:] + "\n" + lines[int(line) - 1][: int(column) + 200]
            on_line = re.findall(r"mutant\((\d+)\)", lines[int(line) - 1])
            last_before = re.findall(r"mutant\((\d+)\)", before)[-1:]
            bad.update(int(n) for n in on_line or last_before)
        bad -= set(invalid)
        if not bad or time.time() > deadline:
            sys.exit(f"mutate: the mutants don't compile\n{run.stdout}")
        invalid.update(dict.fromkeys(bad))
        print(f"{len(bad)} mutants don't compile", flush=True)
    valid = [m for m in chosen if m[0] not in invalid]

    print(f"{len(valid)} mutants compiled; building the tests", flush=True)
    test = ["test", "--match-path", TESTS, "--code-size-limit", "1000000", "--fail-fast"]
    started = time.time()
    skipped = []
    for _ in range(4):
        # Without a mutant every test must pass. Tests of gas or code size fail with the switches alone: leave them out.
        run = forge(test[:-1] + skipped + ["--block-coinbase", "0x" + "0" * 40])
        if run.returncode == 0:
            break
        broken = sorted(set(re.findall(r"\[FAIL[^\n]*\] (\w+)\(", run.stdout)))
        if not broken:
            sys.exit(f"mutate: the tests don't pass without a mutant\n{run.stdout[-4000:]}")
        names = sorted(set(broken) | set(skipped[1][1:-1].split("|") if skipped else []))
        skipped = ["--no-match-test", "(" + "|".join(names) + ")"]
        print("left out, since they fail with the switches alone: " + ", ".join(broken), flush=True)
    print(f"without a mutant: passes ({time.time() - started:.0f} s with the build)", flush=True)

    killed, survived = [], []
    for number, path, node, kind, _ in valid:
        if options.only and number not in options.only:
            continue
        if time.time() > deadline:
            break
        shutil.rmtree(WORK / "cache/fuzz", ignore_errors=True)
        dead, by = False, None
        for stage in STAGES:
            try:
                run = forge(test + skipped + stage + ["--block-coinbase", f"0x{number:040x}"], timeout=240)
            except subprocess.TimeoutExpired:
                dead, by = True, "a time limit"
                break
            if run.returncode != 0:
                failing = re.findall(r"\[FAIL[^\n]*\] (\w+)", run.stdout)
                dead, by = True, (failing or ["a failure to start: " + run.stdout[-300:]])[0]
                break
        start, end = span(node)
        entry = {
            "number": number,
            "path": path,
            "line": sources[path][:start].count(b"\n") + 1,
            "kind": kind,
            "code": sources[path][start:end].decode(),
            "by": by,
        }
        (killed if dead else survived).append(entry)
        if not dead:
            print(f"survived: {number} {path}:{entry['line']}: {kind}: {entry['code']!r}", flush=True)
        report = {"seed": options.seed, "killed": killed, "survived": survived}
        Path(options.out).write_text(json.dumps(report, indent=1))
    ran = len(killed) + len(survived)
    share = f"{100 * len(killed) / max(ran, 1):.1f} % killed"
    print(f"{ran} of {len(valid)} mutants run: {len(killed)} killed, {len(survived)} survived ({share})")
    if ran == 0 or 100 * len(killed) < options.least * ran:
        sys.exit(f"mutate: expected at least {options.least} % of the mutants killed, and at least one mutant run")


main()
