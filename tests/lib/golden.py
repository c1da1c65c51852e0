"""Golden cases: one file a case, tests/golden/TOPIC/NAME.case.

    # What this case shows.
    run: loop run --dir {tmp}/data::/data {guests}/open.wasm ../x read
    env: LOOP_LOG_LEVEL=debug
    setup:
        mkdir data
    stdin:
        a line
    server: http
    status: 77
    stdout:
        what it prints, exactly
    stderr:
    contains: a piece of either stream
    excludes: a piece of neither

`run`, `setup`, `stdin`, `stdout` and `stderr` hold one line after the colon or
a block indented by four spaces; `env`, `contains` and `excludes` may stand more
than once. `run` and `setup` are sh; the current folder is {tmp}, fresh and empty,
and `loop` is the build under test. A stream that is not named is not looked at;
one that is named without text must stay empty. `status` is 0 unless it is said.
`{end}` at the end of a block: the stream ends there, without a newline. Empty
lines at the very end are not looked at.

In commands {tmp}, {home}, {guests}, {examples}, {tests} (programs of unit tests), {source}
(this project), {port} (of the server) and {full} (a port that never completes a connection)
stand for the real ones; in output the real ones become these again, times of day {time}, days {date},
durations {duration}, hexadecimal offsets {offset}, loop's own version {version}, and control
characters {xNN}. `needs: FILE` skips the case where a component was not built.

tests/run.py --update writes what really happened into the cases, for review: the
status and the streams that a case names, or both streams where it expects nothing.
"""

import difflib
import re
from dataclasses import dataclass, field

from . import common

KEYS = ("run", "setup", "env", "stdin", "server", "needs", "status", "stdout", "stderr",
        "contains", "excludes")
BLOCKS = ("run", "setup", "stdin", "stdout", "stderr")
MANY = ("env", "contains", "excludes", "needs")


class CaseError(Exception):
    """A case file that does not follow the format."""


@dataclass
class Case:
    path: object
    name: str
    values: dict = field(default_factory=dict)
    comments: list = field(default_factory=list)


# --- reading and writing --------------------------------------------------------

def parse(path, name):
    case = Case(path, name)
    block = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if block is not None and (line.startswith("    ") or not line):
            case.values[block].append(line[4:])
            continue
        block = None
        if line.startswith("#"):
            case.comments.append(line)
            continue
        if not line:
            continue
        key, colon, value = line.partition(":")
        if not colon or key not in KEYS:
            raise CaseError(f"{path}:{number}: expected one of {', '.join(KEYS)}")
        value = value.strip()
        if key in MANY:
            case.values.setdefault(key, []).append(value)
        elif key in case.values:
            raise CaseError(f"{path}:{number}: '{key}' stands here twice")
        elif key in BLOCKS:
            case.values[key] = [value] if value else []
            block = None if value else key
        else:
            case.values[key] = value
    for key in BLOCKS:
        if key in case.values:
            lines = case.values[key]
            while lines and not lines[-1]:
                lines.pop()
            case.values[key] = text_of(lines)
    if not case.values.get("run"):
        raise CaseError(f"{path}: there is no 'run'")
    return case


def text_of(lines):
    text = "".join(line + "\n" for line in lines)
    return text[:-6] if text.endswith("{end}\n") else text


def write(case):
    """The file again, in one order, with the expectations that `case` has now."""
    v = case.values
    lines = list(case.comments)
    for key in KEYS:
        if key in MANY:
            lines += [f"{key}: {one}" for one in v.get(key, [])]
        elif key in ("stdout", "stderr", "setup", "stdin") and key in v:
            lines += [f"{key}:", *block_of(v[key])]
        elif key == "run":
            body = block_of(v[key])
            lines += [f"run: {body[0].strip()}"] if len(body) == 1 else ["run:", *body]
        elif key == "status" and v.get(key, "0") != "0":
            lines.append(f"status: {v[key]}")
        elif key == "server" and key in v:
            lines.append(f"server: {v[key]}")
    case.path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def block_of(text):
    ended = text.endswith("\n") or not text
    lines = text.splitlines()
    return [f"    {line}" if line else "" for line in lines[:-1]] + (
        [f"    {lines[-1]}{'' if ended else '{end}'}"] if lines else [])


# --- running ----------------------------------------------------------------------

def places(world, case, tmp):
    found = {"tmp": str(tmp), "home": str(tmp.parent / "home"), "guests": str(world.components / "guests"),
             "examples": str(world.components / "examples"), "source": str(common.ROOT),
             "tests": str(world.build / "tests")}
    if case.values.get("server"):
        found["port"], found["full"] = world.servers.start()
    return found


def filled(text, found):
    return re.sub(r"\{(\w+)\}", lambda m: found.get(m[1], m[0]), text)


PATTERNS = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|\b\d\d:\d\d:\d\d\.\d{3}\b"), "{time}"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "{date}"),
    (re.compile(r"(?<=\")ns\":\d+"), 'ns":{duration}'),
    (re.compile(r"\b\d+\.\d+ [µu]s\b"), "{duration}"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "{offset}"),
]


def normalise(raw, found, version):
    text = raw.decode("utf-8", "backslashreplace")
    for key, value in sorted(found.items(), key=lambda item: -len(item[1])):
        if key in ("port", "full"):
            text = re.sub(rf"(?<!\d){value}(?!\d)", "{" + key + "}", text)
        else:
            text = text.replace(value, "{" + key + "}")
    for pattern, name in PATTERNS:
        text = pattern.sub(name, text)
    if version:
        text = re.sub(rf"(?<=loop ){re.escape(version)}\b", "{version}", text)
    text = "".join(c if c in "\n\t" or (c >= " " and c != "\x7f") else f"{{x{ord(c):02x}}}"
                   for c in text)
    return text.rstrip("\n") + "\n" if text.endswith("\n") and text.strip("\n") else text.strip("\n")


def diff(name, wanted, got):
    lines = difflib.unified_diff(wanted.splitlines(), got.splitlines(), "expected", "got",
                                 lineterm="", n=2)
    return f"{name}:\n" + common.indent("\n".join(list(lines)[2:]) + "\n")


def compare(case, status, streams):
    v = case.values
    problems = []
    if common.shown(status) != v.get("status", "0"):
        problems.append(f"status: expected {v.get('status', '0')}, got {common.shown(status)}\n")
    for name, got in streams.items():
        if name in v and v[name] != got:
            problems.append(diff(name, v[name], got))
    both = streams["stdout"] + streams["stderr"]
    problems += [f"neither stream contains: {piece}\n" for piece in v.get("contains", [])
                 if piece not in both]
    problems += [f"a stream contains: {piece}\n" for piece in v.get("excludes", [])
                 if piece in both]
    if problems:
        for name, got in streams.items():
            if name not in v and got:
                problems.append(f"{name} was:\n{common.indent(got)}")
    return "".join(problems)


def run_case(world, case, version):
    v = case.values
    base = common.fresh_folder(world, "golden-")
    tmp, home = base / "tmp", base / "home"
    tmp.mkdir()
    home.mkdir()
    try:
        found = places(world, case, tmp)
        for need in v.get("needs", []):
            if not common.Path(filled(need, found)).exists():
                return common.Result(case.name, skip=f"{need} was not built")
        env = world.environment(home)
        for line in v.get("env", []):
            name, _, value = line.partition("=")
            env[name] = filled(value, found)
        if "setup" in v:
            status, out, _ = common.run(["sh", "-euc", filled(v["setup"], found)], cwd=tmp, env=env,
                                        merged=True)
            if status:
                return common.Result(case.name, False, "setup failed:\n" + out.decode(errors="replace"))
        status, out, err = common.run(["sh", "-c", filled(v["run"], found)], cwd=tmp, env=env,
                                      stdin=filled(v.get("stdin", ""), found).encode())
        streams = {"stdout": normalise(out, found, version), "stderr": normalise(err, found, version)}
        problems = compare(case, status, streams)
        if world.update and (problems or expects_nothing(case)):
            update(case, status, streams)
            return common.Result(case.name, True, "rewritten")
        return common.Result(case.name, not problems, problems)
    finally:
        common.remove(base)


def expects_nothing(case):
    return not any(key in case.values for key in ("stdout", "stderr", "contains", "excludes"))


def update(case, status, streams):
    v = case.values
    v["status"] = common.shown(status)
    bare = expects_nothing(case)
    for name, got in streams.items():
        if name in v or bare:
            v[name] = got
    write(case)


def cases(folder, pattern=""):
    """Every case, as (name, case or the error that its file has)."""
    for path in sorted(folder.glob("*/*.case")):
        name = f"{path.parent.name}/{path.stem}"
        if pattern in name:
            try:
                yield name, parse(path, name)
            except CaseError as error:
                yield name, error


def jobs(world):
    version = common.run([str(world.build / "loop"), "version"])[1].decode()
    version = (re.search(r"loop (\S+)", version) or [None, ""])[1]
    yield from jobs_of(world, "tests/golden", version)


def attack_jobs(world):
    """tests/attacks/FAMILY/NAME.case: what must not work, each with the promise that it would break."""
    yield from jobs_of(world, "tests/attacks", "")


def jobs_of(world, folder, version):
    for name, case in cases(common.ROOT / folder, world.pattern):
        if isinstance(case, CaseError):
            yield lambda name=name, case=case: common.Result(name, False, f"{case}\n")
        else:
            yield lambda case=case: run_case(world, case, version)
