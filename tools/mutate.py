"""Mutation testing of contracts/: makes small faults (mutants) in the code, and counts how many the tests notice.

Every mutant of the block production's contracts, of their libraries and of their types is run. Mutants are compiled in
batches into a copy of the tree, each behind a switch that reads COINBASE, and a run of the tests turns one of them on
(`forge test --block-coinbase`). So the compiler runs once per batch instead of once per mutant. Mutants that cannot be
behind a switch are compiled one by one.

Results are appended to target/mutants/results.jsonl. A later run goes on where the last one stopped, and repeats only
mutants of files that changed since. docs/audit/mutation.md has more.

usage: mutate.py [run] [--minutes N] [--jobs N] [--only TEXT] [--batch N] [--until STAGE] [--again]
                                                                                       run the mutants that are left
       mutate.py model [--minutes N] [--only TEXT]                                     run the model for the survivors
       mutate.py report [--least PERCENT] [--survivors]                                print the results
       mutate.py list [--only TEXT]                                                    print all mutants
"""
import argparse, hashlib, json, os, queue, random, re, resource, shutil, subprocess, sys, threading, time
from pathlib import Path

HOME = Path("target/mutants")
TREE = HOME / "tree"
RESULTS = HOME / "results.jsonl"
MUTANTS = HOME / "mutants.json"
# The contracts, from which imports lead to everything else that gets mutants.
CONTRACTS = ["Rollup", "Bridge", "Escrow", "Staking", "Rewards", "Randomness"]
COPIED = ["contracts", "test", "script", "tools", "vectors", "snapshots", "docs/operating"]
# What the model needs beside that.
CARGO = ["crates", "fuzz", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "package-lock.json"]

# The tests in order of cost: those of the file, all unit tests, other tests, slow ones. The model comes last.
SLOW = (
    "PairsTest|ReentrancyAttacks|EntriesFuzzTest|CalldataTest|FreezeOrderTest|DeployTest|ResumeTest"
    "|RewardsVectorsTest|BlockVerifierTest|ProofsDifferentialTest|.*InvariantTest"
)
# One is too large to be deployed without the optimizer. The others are about scripts, and change the environment.
APART = "OperatorsTest|ConfigurationTest|EnvironmentTest"
QUICK = "test/{unit,fuzz,integration,differential,attacks}/**"
ALL = "test/{unit,fuzz,integration,differential,attacks,invariant}/**"
STAGES = {
    "unit": ["--match-path", "test/unit/*", "--no-match-contract", f"({SLOW})"],
    "others": ["--match-path", QUICK, "--no-match-contract", f"({SLOW}|{APART})"],
    "slow": ["--match-path", ALL, "--match-contract", f"({SLOW})"],
}
# Tests of one file, by the name of a mutated file. Others have the rollup's.
TESTS = {
    "Bridge": "Bridge", "L1Operations": "Bridge", "Jubjub": "Bridge", "Elements": "Bridge", "PointEvaluation": "Bridge",
    "Escrow": "Escrow", "Tokens": "Escrow", "Rewards": "Rewards", "PackedRates": "Rewards", "Payouts": "Rewards",
    "Staking": "Staking", "Entries": "Staking", "EntryQueue": "EntryQueue", "Bls": "Bls", "Randomness": "Randomness",
    "HeaderRlp": "Randomness", "ParameterChecks": "Construction", "Wiring": "Construction",
    "RollupBase": "Construction",
    "L1Clock": "Construction",
}
# A batch whose mutants disturb each other is halved down to this size, and then compiled one by one.
SMALLEST_BATCH = 8
# Fuzz runs and invariant runs are as few as still find most faults.
ENVIRONMENT = {
    "FOUNDRY_OPTIMIZER": "false", "FOUNDRY_DENY": "never", "FOUNDRY_FUZZ_RUNS": "16", "FOUNDRY_INVARIANT_RUNS": "6",
    "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1", "FOUNDRY_OUT": "out", "FOUNDRY_CACHE_PATH": "cache",
    "FOUNDRY_FUZZ_FAILURE_PERSIST_DIR": "cache/fuzz", "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": "cache/invariant",
}
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


# ---- mutants --------------------------------------------------------------------------------------------------------


class Mutant:
    """A fault. `text` replaces the source from `start` to `end`; None leaves a statement out. `single` says that it
    cannot be behind a switch."""

    def __init__(self, path, source, start, end, kind, text, single=False):
        self.path, self.start, self.end, self.kind, self.text, self.single = path, start, end, kind, text, single
        self.line = source[:start].count(b"\n") + 1
        self.code = source[start:end].decode()
        content = hashlib.sha256(source).hexdigest()
        self.key = hashlib.sha256(f"{content} {path} {start} {end} {kind} {text}".encode()).hexdigest()[:24]

    def describe(self):
        code = re.sub(r"\s+", " ", self.code)
        return f"{self.path}:{self.line}: {self.kind}: {code if len(code) < 160 else code[:157] + '...'}"


def span(node):
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def type_of(node):
    return (node.get("typeDescriptions") or {}).get("typeString", "")


def is_constant(type_string):
    """Whether the compiler computes an expression of this type, so that a switch would change the type."""
    return type_string.startswith(("int_const", "rational_const"))


def plain_number(node):
    """Whether the node is a decimal number without a unit."""
    if node.get("nodeType") != "Literal" or node.get("kind") != "number" or node.get("subdenomination"):
        return False
    return re.fullmatch(r"[0-9_]+", node["value"]) is not None


def zero(type_string):
    """The zero of a value type; None for other types."""
    if re.fullmatch(r"u?int\d+|bytes\d+|address|bool", type_string):
        return {"bool": "false"}.get(type_string, f"{type_string}(0)")
    enum = re.fullmatch(r"enum (\w+)", type_string)
    if enum:
        return f"{enum.group(1)}(0)"
    return f"{type_string}.wrap(0)" if re.fullmatch(r"[A-Z]\w+", type_string) else None


def mutants_of(path, tree, source):
    """All mutants of a file."""
    out = []

    def text(node):
        start, end = span(node)
        return source[start:end].decode()

    def add(node, kind, replacement, single=False):
        out.append(Mutant(path, source, *span(node), kind, replacement, single))

    def number(node, parent):
        value = int(node["value"].replace("_", ""))
        kind = f"{value} becomes {value + 1}"
        if parent is None:
            add(node, kind, str(value + 1), single=True)
            return
        # Behind a switch, a number has the smallest type that holds it. In an operation it needs the other operand's.
        operation = parent.get("nodeType") in ("BinaryOperation", "UnaryOperation", "TupleExpression")
        common = (parent.get("commonType") or {}).get("typeString", "")
        if not operation:
            add(node, kind, str(value + 1))
        elif re.fullmatch(r"u?int\d+", common):
            out.append(Mutant(path, source, *span(node), kind, f"{common}({value + 1})"))
            out[-1].original = f"{common}({text(node)})"
        else:
            add(node, kind, str(value + 1), single=True)

    def visit(node, inside, parent=None):
        if isinstance(node, list):
            for child in node:
                visit(child, inside, parent)
            return
        if not isinstance(node, dict):
            return
        kind = node.get("nodeType", "")
        if kind in ("FunctionDefinition", "ModifierDefinition"):
            visit(node.get("body"), True)
            return
        if kind == "VariableDeclaration" and not inside:
            # A constant. Its type must not change, so a switch is impossible.
            visit_constant(node.get("value"))
            return
        if kind == "InlineAssembly" or kind.startswith("Yul") or kind in ("EmitStatement", "RevertStatement"):
            # The proofs of test/symbolic and the client's vectors are for assembly. The arguments of an event or of an
            # error get no mutants.
            if kind == "EmitStatement":
                add(node, "no event", None)
            return
        if inside:
            if kind == "BinaryOperation":
                operator, left, right = node["operator"], text(node["leftExpression"]), text(node["rightExpression"])
                constant = is_constant(type_of(node))
                for table in (COMPARISONS, ARITHMETIC, BITS, LOGIC):
                    for other in table.get(operator, []):
                        add(node, f"{operator} becomes {other}", f"(({left}) {other} ({right}))", constant)
                if operator in LOGIC:
                    add(node, f"right of {operator} is left out", f"({left})")
                    add(node, f"left of {operator} is left out", f"({right})")
            elif plain_number(node):
                number(node, parent)
            elif kind == "IfStatement":
                condition = node["condition"]
                add(condition, "condition holds", "true")
                add(condition, "condition fails", "false")
            elif kind == "UnaryOperation" and node["operator"] == "!":
                add(node, "! is left out", f"({text(node['subExpression'])})")
            elif kind == "Conditional":
                yes, no = text(node["trueExpression"]), text(node["falseExpression"])
                add(node, "choice is swapped", f"(({text(node['condition'])}) ? {no} : {yes})")
            elif kind == "ExpressionStatement":
                add(node, "statement is left out", None)
            elif kind == "FunctionCall" and node.get("kind") == "functionCall" and parent is not None:
                callee = node["expression"].get("memberName", "")
                is_statement = parent.get("nodeType") == "ExpressionStatement"
                if zero(type_of(node)) and callee not in ("wrap", "unwrap") and not is_statement:
                    add(node, "call becomes zero", zero(type_of(node)))
            elif kind == "IndexAccess" and type_of(node["baseExpression"]).startswith("mapping("):
                key = re.match(r"mapping\((?:contract |enum )?(\w+)", type_of(node["baseExpression"])).group(1)
                index = node["indexExpression"]
                if zero(type_of(index)) and type_of(index).split(" ")[-1] == key:
                    add(index, "key becomes zero", zero(type_of(index)))
            elif kind == "ForStatement":
                # The step of a loop gets no mutants: they would only make endless loops.
                visit(node.get("body"), inside, node)
                visit(node.get("condition"), inside, node)
                return
        for name, child in node.items():
            if isinstance(child, (dict, list)) and name not in ("typeDescriptions", "commonType"):
                visit(child, inside, node)

    def visit_constant(node):
        if isinstance(node, list):
            for child in node:
                visit_constant(child)
        elif isinstance(node, dict):
            if plain_number(node):
                number(node, None)
            for name, child in node.items():
                if isinstance(child, (dict, list)) and name not in ("typeDescriptions", "commonType"):
                    visit_constant(child)

    visit(tree["nodes"], False)
    return list({mutant.key: mutant for mutant in out}.values())


def write(tree, path, source, chosen):
    """Writes a file with its mutants, given with their numbers, each behind its switch. An inner mutant is part of the
    unmutated branch of an outer one."""
    edits = {}
    for number, mutant in chosen:
        edits.setdefault((mutant.start, mutant.end), []).append((number, mutant))

    def render(start, end, skip=None):
        inner = [s for s in edits if start <= s[0] and s[1] <= end and s != skip]
        top = [s for s in inner if not any(o != s and o[0] <= s[0] and s[1] <= o[1] for o in inner)]
        parts, at = [], start
        for s in sorted(top):
            parts.append(source[at : s[0]].decode())
            body = render(*s, skip=s)
            # A statement is left out around all that is in it.
            for number, mutant in sorted(edits[s], key=lambda edit: edit[1].text is None):
                if mutant.text is None:
                    # The source range of a statement includes its semicolon only if it emits an event.
                    body = f"if (!mutant({number})) {body}"
                else:
                    original = getattr(mutant, "original", body)
                    body = f"(mutant({number}) ? {mutant.text} : {original})"
            parts.append(body)
            at = s[1]
        parts.append(source[at:end].decode())
        return "".join(parts)

    text = render(0, len(source))
    if chosen:
        up = "../" * (len(Path(path).parts) - 1)
        pragma = "pragma solidity 0.8.37;\n"
        text = text.replace(pragma, f'{pragma}import {{mutant}} from "{up}contracts/Mutant.sol";\n', 1)
    (tree / path).write_text(text)


def write_single(tree, source, mutant):
    """Writes a file with one mutant and no switch."""
    if mutant.text is None:
        start, end = mutant.start, mutant.end + (not mutant.code.endswith(";"))
        text = source[:start] + source[end:]
    else:
        text = source[: mutant.start] + mutant.text.encode() + source[mutant.end :]
    (tree / mutant.path).write_bytes(text)


# ---- the copy of the tree -------------------------------------------------------------------------------------------


def limited(command, cpu_seconds, tree, env):
    """Runs a command in a copy of the tree. Other work on the machine must not make a difference, so what is limited is
    the time of the processor."""
    if cpu_seconds is not None:
        command = ["bash", "-c", f'ulimit -t {round(cpu_seconds)}; exec "$@"', "limited", *command]
    env = dict(os.environ, **env)
    return subprocess.run(command, cwd=tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ran_too_long(run):
    """Whether the limit ended the command: with SIGXCPU, or with SIGKILL."""
    return run.returncode in (-24, -9, 152, 137)


def cpu_seconds():
    """Time of the processor that finished commands took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def forge(tree, args, limit=None):
    return limited(["tools/forge", *args], limit, tree, ENVIRONMENT)


def copy_tree():
    """Makes the copy new, without what was compiled."""
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    left_out = shutil.ignore_patterns("symbolic", "gas", "__pycache__")
    for name in COPIED:
        shutil.copytree(name, TREE / name, ignore=left_out)
    for name in ("deployments", "unsigned"):
        (TREE / name).mkdir()
    shutil.copy("foundry.toml", TREE)
    (TREE / "node_modules").symlink_to(Path("node_modules").resolve())
    (TREE / "contracts/Mutant.sol").write_text(SWITCH)


def find_mutants():
    """All mutants, and the sources of their files."""
    run = forge(TREE, ["build", "--skip", "./test/**", "--skip", "./script/**", "--ast", "--force"])
    if run.returncode != 0:
        sys.exit(f"mutate: contracts/ don't compile\n{run.stdout}")
    trees = {}
    for artifact in sorted((TREE / "out").glob("*.sol/*.json")):
        tree = json.loads(artifact.read_text()).get("ast")
        if tree and tree["absolutePath"].startswith("contracts/"):
            trees[tree["absolutePath"]] = tree
    # The closure of imports. Interfaces have no code, and so no mutants.
    waiting, reached = [f"contracts/{name}.sol" for name in CONTRACTS], set()
    while waiting:
        path = waiting.pop()
        if path in reached or path not in trees:
            continue
        reached.add(path)
        imports = [node for node in trees[path]["nodes"] if node["nodeType"] == "ImportDirective"]
        waiting.extend(node["absolutePath"] for node in imports)
    sources = {path: Path(path).read_bytes() for path in sorted(reached)}
    mutants = [m for path in sources for m in mutants_of(path, trees[path], sources[path])]
    return mutants, {path: sources[path] for path in {m.path for m in mutants}}


# ---- results --------------------------------------------------------------------------------------------------------


def read_results():
    """The last result of each mutant, by its key."""
    if not RESULTS.exists():
        return {}
    lines = RESULTS.read_text().splitlines()
    return {result["key"]: result for result in map(json.loads, filter(None, lines))}


class Recorder:
    """Appends results to the file, one line each."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {}

    def record(self, mutant, outcome, stage, by, started):
        result = {
            "key": mutant.key, "path": mutant.path, "line": mutant.line, "kind": mutant.kind, "code": mutant.code,
            "outcome": outcome, "stage": stage, "by": by, "seconds": round(time.time() - started),
        }
        with self.lock:
            with RESULTS.open("a") as file:
                file.write(json.dumps(result) + "\n")
            self.counts[outcome] = self.counts.get(outcome, 0) + 1
            if outcome == "survived":
                print(f"survived: {mutant.describe()}", flush=True)


# ---- runs -----------------------------------------------------------------------------------------------------------


class Runner:
    def __init__(self, options, sources):
        self.options, self.sources = options, sources
        self.deadline = time.time() + 60 * options.minutes
        self.recorder = Recorder()
        # Tests that fail in the copy without any mutant, such as those of gas, and the duration of each stage.
        self.left_out, self.limits = [], {}

    def late(self):
        return time.time() > self.deadline

    def test(self, tree, args, number, limit=None):
        """Runs tests with a mutant. Returns the name of a test that fails, or None."""
        skipped = ["--no-match-test", "(" + "|".join(self.left_out) + ")"] if self.left_out else []
        limits = ["--fail-fast", "--code-size-limit", "1000000", "--threads", str(self.threads)]
        command = ["test", *limits, *args, *skipped]
        command += ["--block-coinbase", f"0x{number:040x}"]
        for folder in ("fuzz", "invariant"):
            shutil.rmtree(tree / "cache" / folder, ignore_errors=True)
        for attempt in range(2):
            run = forge(tree, command, limit)
            if run.returncode == 0:
                return None
            if ran_too_long(run):
                return "a time limit"
            failing = re.findall(r"\[FAIL[^\n]*\] (\w+)", run.stdout)
            if failing:
                return failing[0]
        return "a crash: " + run.stdout[-300:]

    @property
    def stages(self):
        """The stages of tests up to the last one."""
        names = list(STAGES)
        return {name: STAGES[name] for name in names[: names.index(self.options.until) + 1]}

    @property
    def threads(self):
        return max(1, (os.cpu_count() or 1) // self.options.jobs)

    def prepare(self):
        """Finds the tests that fail without mutants, and how long each stage takes on the processor."""
        print("tests without mutants", flush=True)
        run = forge(TREE, ["build"])
        if run.returncode != 0:
            sys.exit(f"mutate: the tests don't compile\n{run.stdout}")
        for stage, args in self.stages.items():
            for _ in range(5):
                started = cpu_seconds()
                skipped = ["--no-match-test", "(" + "|".join(self.left_out) + ")"] if self.left_out else []
                threads = ["--threads", str(self.threads)]
                run = forge(TREE, ["test", "--code-size-limit", "1000000", *threads, *args, *skipped])
                # Endless loops are cut off.
                self.limits[stage] = 60 + 4 * (cpu_seconds() - started)
                if run.returncode == 0:
                    break
                failing = sorted(set(re.findall(r"\[FAIL[^\n]*\] (\w+)", run.stdout)))
                if not failing:
                    sys.exit(f"mutate: the tests don't run without a mutant\n{run.stdout[-4000:]}")
                self.left_out += failing
                print("left out, since they fail without a mutant: " + ", ".join(failing), flush=True)
            else:
                sys.exit(f"mutate: the {stage} tests don't pass without a mutant")
            print(f"{stage}: {cpu_seconds() - started:.0f} s", flush=True)

    def kill(self, tree, mutant, number):
        """Runs the tests in order of cost until one of them fails."""
        started = time.time()
        name = TESTS.get(Path(mutant.path).stem, "Rollup")
        stages = {"file": ["--match-path", f"test/unit/{name}.t.sol"], **self.stages}
        for stage, args in stages.items():
            by = self.test(tree, args, number, self.limits.get(stage, self.limits["unit"]))
            if by is not None:
                return self.recorder.record(mutant, "killed", stage, by, started)
        self.recorder.record(mutant, "survived", self.options.until, None, started)

    def restore(self, tree):
        for path, source in self.sources.items():
            (tree / path).write_bytes(source)

    def compile(self, batch):
        """Compiles the mutants of a batch that compile together. Returns them with their numbers, and the others."""
        numbered, others = list(enumerate(batch, 1)), []
        while True:
            for path, source in self.sources.items():
                write(TREE, path, source, [(n, m) for n, m in numbered if m.path == path])
            run = forge(TREE, ["build", "--skip", "./test/**", "--skip", "./script/**"])
            if run.returncode == 0:
                return numbered, others
            # The place of the compiler's error gives the number of the mutant.
            bad = set()
            for path, line, column in re.findall(r"--> (contracts/\S+?):(\d+):(\d+)", run.stdout):
                if path not in self.sources:
                    continue
                lines = (TREE / path).read_text().split("\n")
                before = "\n".join(lines[: int(line) - 1])[-400:] + "\n" + lines[int(line) - 1][: int(column) + 200]
                on_line = re.findall(r"mutant\((\d+)\)", lines[int(line) - 1])
                bad.update(int(n) for n in on_line or re.findall(r"mutant\((\d+)\)", before)[-1:])
            bad &= {n for n, _ in numbered}
            if not bad or self.late():
                return [], [m for _, m in numbered] + others
            others += [m for n, m in numbered if n in bad]
            numbered = [(n, m) for n, m in numbered if n not in bad]

    def run_batch(self, batch):
        """Runs the mutants of a batch. Returns those that cannot be behind a switch."""
        numbered, others = self.compile(batch)
        if self.late():
            return []
        disturbed = not numbered
        if numbered:
            run = forge(TREE, ["build"])
            if run.returncode != 0:
                sys.exit(f"mutate: the tests don't compile with the switches\n{run.stdout[-4000:]}")
            # With no mutant on, everything passes, but for the tests that fail anyway.
            by = self.test(TREE, STAGES["others"], 0, self.limits["others"])
            disturbed = by is not None
            if disturbed:
                print(f"{len(numbered)} mutants disturb {by} although they are off", flush=True)
        if disturbed:
            mutants = [m for _, m in numbered] or others
            others = others if numbered else []
            if len(mutants) <= SMALLEST_BATCH:
                return mutants + others
            half = len(mutants) // 2
            return self.run_batch(mutants[:half]) + self.run_batch(mutants[half:]) + others
        trees = [TREE] + [self.copy(TREE, HOME / f"tree-{i}") for i in range(1, self.options.jobs)]
        waiting = queue.SimpleQueue()
        for item in numbered:
            waiting.put(item)

        def work(tree):
            while not self.late():
                try:
                    number, mutant = waiting.get_nowait()
                except queue.Empty:
                    return
                self.kill(tree, mutant, number)

        workers = [threading.Thread(target=work, args=(tree,)) for tree in trees]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return others

    def copy(self, tree, to):
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(tree, to, symlinks=True)
        return to

    def run_single(self, mutant):
        """Compiles one mutant in place, and runs the tests with it."""
        started = time.time()
        self.restore(TREE)
        write_single(TREE, self.sources[mutant.path], mutant)
        run = forge(TREE, ["build", "--skip", "./test/**", "--skip", "./script/**"])
        if run.returncode != 0:
            self.recorder.record(mutant, "invalid", "build", None, started)
        else:
            self.kill(TREE, mutant, 0)

    def run(self, mutants):
        batches = [m for m in mutants if not m.single]
        singles = [m for m in mutants if m.single]
        size = self.options.batch
        for at in range(0, len(batches), size):
            if self.late():
                return
            singles += self.run_batch(batches[at : at + size])
            print(f"{at + len(batches[at : at + size])} of {len(batches)}: {self.recorder.counts}", flush=True)
        for i, mutant in enumerate(singles):
            if self.late():
                return
            self.run_single(mutant)
            if i % 20 == 0:
                print(f"one by one, {i + 1} of {len(singles)}: {self.recorder.counts}", flush=True)


class ModelRunner(Runner):
    """Runs `crates/model` in the copy of the tree. Its contracts are compiled with all survivors behind switches; its
    COINBASE comes from the environment."""

    def prepare(self):
        for name in CARGO:
            if Path(name).is_dir():
                shutil.copytree(name, TREE / name, dirs_exist_ok=True)
            else:
                shutil.copy(name, TREE / name)
        chain = TREE / "crates/model/src/chain.rs"
        text = chain.read_text()
        changes = {
            "..BlockEnv::default()": 'beneficiary: std::env::var("FERNET_MUTANT")'
            ".ok().and_then(|mutant| mutant.parse().ok()).unwrap_or_default(), ..BlockEnv::default()",
            "cfg.disable_eip3607 = true;": "cfg.disable_eip3607 = true; "
            "cfg.limit_contract_code_size = Some(usize::MAX); cfg.limit_contract_initcode_size = Some(usize::MAX);",
        }
        for before, after in changes.items():
            if text.count(before) != 1:
                sys.exit(f"mutate: expected `{before}` once in crates/model/src/chain.rs")
            text = text.replace(before, after)
        chain.write_text(text)

    def cargo(self, args, number=0, limit=None):
        env = {"FERNET_MUTANT": f"0x{number:040x}", "CARGO_TARGET_DIR": str((HOME / "cargo").resolve())}
        command = ["cargo", "test", "-p", "fernet-model", "--test", "differential", *args]
        return limited(command, limit, TREE, {**env, "CARGO_INCREMENTAL": "0"})

    def agree(self, number, limit=None):
        """Whether the model agrees with the contracts."""
        run = self.cargo(["model_and_contracts_agree", "--", "--exact"], number, limit)
        if ran_too_long(run):
            return False, "a time limit"
        reason = re.search(r"panicked at[^\n]*\n([^\n]*)", run.stdout)
        return run.returncode == 0, f"the model: {reason.group(1) if reason else run.stdout[-300:]}"

    def build(self, mutants):
        """Builds the model with the mutants that compile together. Returns them and the others."""
        numbered, others = self.compile(mutants)
        run = self.cargo(["--no-run"])
        if run.returncode != 0:
            sys.exit(f"mutate: the model doesn't build\n{run.stdout[-4000:]}")
        started = cpu_seconds()
        fine, reason = self.agree(0)
        if not fine:
            sys.exit(f"mutate: the model disagrees without a mutant: {reason}")
        return numbered, others, 60 + 4 * (cpu_seconds() - started)

    def judge(self, mutant, number, limit):
        started = time.time()
        fine, reason = self.agree(number, limit)
        outcome = ("survived", None) if fine else ("killed", reason)
        self.recorder.record(mutant, outcome[0], "model", outcome[1], started)

    def run(self, mutants):
        numbered, others, limit = self.build([m for m in mutants if not m.single])
        for number, mutant in numbered:
            if self.late():
                return
            self.judge(mutant, number, limit)
        for mutant in others + [m for m in mutants if m.single]:
            if self.late():
                return
            self.restore(TREE)
            write_single(TREE, self.sources[mutant.path], mutant)
            # The limit doesn't include the compiler's time.
            self.cargo(["--no-run"])
            self.judge(mutant, 0, limit)


# ---- commands -------------------------------------------------------------------------------------------------------


def chosen(mutants, options):
    """The mutants that --only names: by a part of their path or by the start of their key."""
    only = options.only
    return [m for m in mutants if not only or only in m.path or m.key.startswith(only)]


def save(mutants):
    """Keeps the list for `report`, which then needs no compiler."""
    fields = ["key", "path", "line", "kind", "code"]
    MUTANTS.write_text(json.dumps([{field: getattr(m, field) for field in fields} for m in mutants]))


def start():
    os.nice(19)
    HOME.mkdir(parents=True, exist_ok=True)
    copy_tree()
    mutants, sources = find_mutants()
    save(mutants)
    # In an order that is the same in each run, so that the first results are a fair sample.
    random.Random(1).shuffle(mutants)
    return mutants, sources


def run(options):
    mutants, sources = start()
    results = read_results()
    stages = [*STAGES, "model"]
    last = stages.index(options.until)

    def is_done(result):
        if result["outcome"] != "survived":
            return True
        # A survivor of earlier stages has later ones before it.
        return not options.again and stages.index(result["stage"]) >= last

    done = {key for key, result in results.items() if is_done(result)}
    left = [m for m in chosen(mutants, options) if m.key not in done]
    print(f"{len(mutants)} mutants in {len(sources)} files, {len(left)} to run", flush=True)
    if left:
        runner = Runner(options, sources)
        runner.prepare()
        runner.run(left)
    report(options)


def model(options):
    mutants, sources = start()
    results = read_results()
    survivors = {key for key, r in results.items() if r["outcome"] == "survived" and r["stage"] != "model"}
    left = [m for m in chosen(mutants, options) if m.key in survivors]
    print(f"{len(left)} survivors to run", flush=True)
    if left:
        runner = ModelRunner(options, sources)
        runner.prepare()
        runner.run(left)
    report(options)


def report(options):
    if not MUTANTS.exists():
        sys.exit("mutate: expected target/mutants/mutants.json, which `mutate.py run` writes")
    mutants, results = json.loads(MUTANTS.read_text()), read_results()
    files, survivors = {}, []
    for mutant in mutants:
        result = results.get(mutant["key"], {"outcome": "left", "stage": ""})
        counts = files.setdefault(mutant["path"], {"killed": 0, "survived": 0, "invalid": 0, "left": 0})
        counts[result["outcome"]] += 1
        if result["outcome"] == "survived":
            survivors.append((mutant, result))
    total = {name: sum(counts[name] for counts in files.values()) for name in ("killed", "survived", "invalid", "left")}
    print(f"{'file':45} killed survived invalid left")
    for path, counts in sorted(files.items()) + [("all", total)]:
        print(f"{path:45} {counts['killed']:6} {counts['survived']:8} {counts['invalid']:7} {counts['left']:4}")
    if options.survivors:
        for mutant, result in sorted(survivors, key=lambda s: (s[0]["path"], s[0]["line"])):
            code = re.sub(r"\s+", " ", mutant["code"])
            place = f"{mutant['path']}:{mutant['line']}"
            print(f"{mutant['key']} {place}: {mutant['kind']}: {code} (after {result['stage']})")
    ran = total["killed"] + total["survived"]
    share = 100 * total["killed"] / max(ran, 1)
    print(f"{ran} mutants run, {share:.1f} % killed, {total['left']} left")
    if options.least is not None and (ran == 0 or total["left"] or share < options.least):
        sys.exit(f"mutate: expected all mutants run and at least {options.least} % of them killed")


def list_all(options):
    mutants, _ = start()
    for mutant in sorted(chosen(mutants, options), key=lambda m: (m.path, m.start)):
        print(f"{mutant.key} {mutant.describe()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", nargs="?", default="run", choices=["run", "model", "report", "list"])
    parser.add_argument("--minutes", type=float, default=600, help="time after which no further mutant is started")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants that run at the same time")
    parser.add_argument("--batch", type=int, default=150, help="mutants that are compiled together")
    parser.add_argument("--only", help="part of a path, or start of a mutant's key")
    parser.add_argument("--until", default="slow", choices=list(STAGES), help="the last stage of tests")
    parser.add_argument("--again", action="store_true", help="run survivors again, for new tests")
    parser.add_argument("--least", type=float, help="percentage of mutants that must be killed")
    parser.add_argument("--survivors", action="store_true", help="print each surviving mutant")
    options = parser.parse_args()
    {"run": run, "model": model, "report": report, "list": list_all}[options.command](options)


main()
