"""What `loop component|provider|host|workspace new` make: created, built, run and tested with an installation,
outside of the tree; asked on a terminal; interrupted, and on a disk that is full.

A project of a language whose tools are not there is made and looked at, and not built: a skip says why.
"""

import os
import pty
import random
import re
import resource
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import common, hosts
from .common import ROOT, Result
from .install import Failed, alone, cases, environment, install, ran

LANGUAGES = ("c", "js", "python", "rust")
WORLDS = ("app", "command", "http-command", "library", "storage-command")
FORMS = ("library", "sidecar-c", "sidecar-node", "sidecar-python", "sidecar-rust")
NAME, SNAKE = "night-light", "night_light"
PLACEHOLDER = re.compile(rb"scaffold[-_ ]?(name|space)", re.I)
INTERRUPTIONS = int(os.environ.get("NEW_INTERRUPTIONS", "40"))

# What a component of a world says of itself: arguments of `loop run`, status, stdout (None: not looked at),
# and a piece of stderr.
RUNS = {
    "command": (["--", "Ada"], 0, "Hello, Ada!\n", "greeted name=Ada"),
    "library": (["--invoke", 'api.greet("Ada")'], 0, 'ok("Hello, Ada!")\n', ""),
    "app": (["--", "2"], 0, "", "tick 2"),
    "storage-command": (["--", "Ada"], 0, "visit 1 of Ada\n", ""),
    "http-command": (["--", "http://not-granted.example/"], 1, "", "no grant for http not-granted.example:80"),
}


def jobs(world):
    """Those whose names have the pattern in them."""
    shelf = common.fresh_folder(world, "new-")
    install(world, shelf)
    found = [(f"{language}-{kind}", lambda language=language, kind=kind: component(world, shelf, language, kind))
             for language in LANGUAGES for kind in WORLDS]
    found += [(form, lambda form=form: provider(world, shelf, form)) for form in FORMS]
    found += [("names", lambda: named(world, shelf))]
    found += [("workspace", lambda: workspace(world, shelf)), ("host", lambda: host(world)),
              ("templates", lambda: all_there(world, shelf)), ("asked", lambda: asked(world, shelf)),
              ("interrupted", lambda: interrupted(world, shelf)), ("no-room", lambda: no_room(world, shelf))]
    return [job for name, job in found if world.pattern in name]


# --- making, and looking at what was made ---------------------------------------------------

def user(world, shelf, home):
    """Whoever has installed loop and set languages up, and has trusted nothing."""
    own = world.user_environment()
    path = own["PATH"].removeprefix(f"{world.build}:")
    return own | {"PATH": f"{shelf}/prefix/bin:{path}", "PKG_CONFIG_PATH": f"{shelf}/prefix/lib/pkgconfig",
                  "XDG_CONFIG_HOME": str(home / ".config"), "TZ": "UTC"}


def made(folder, env, *words):
    """A new project: what was said is there, and nothing of a template's own names."""
    out = ran(["loop", *words], cwd=folder, env=env)
    head, _, rest = out.partition("\n")
    listing, _, following = rest.partition("next\n")
    project = folder / head.removeprefix("made ").rstrip("/")
    there = {p.relative_to(project).as_posix() for p in project.rglob("*") if not p.is_dir()}
    for line in listing.splitlines():
        name, _, copies = line.strip().partition("  ")
        said = {p for p in there if p.startswith(name)} if copies else {name}
        assert said and said <= there, f"'{name}' was said and is not there"
        assert not copies or copies.startswith(f"{len(said)} file"), f"{line}: there are {len(said)}"
        there -= said
    assert not there, f"not said: {there}"
    assert 3 <= len(following.splitlines()) <= 6 and following.startswith("  cd "), following
    for path in project.rglob("*"):
        assert not path.is_symlink(), f"{path} is a link"
        assert not PLACEHOLDER.search(path.name.encode()), f"a placeholder in the name of {path}"
        found = PLACEHOLDER.search(path.read_bytes()) if path.is_file() else None
        assert not found, f"a placeholder in {path}: {found}"
    assert not (project.stat().st_mode & 0o777) ^ (0o777 & ~mask()), "its mode is not the usual one"
    return project


def mask():
    now = os.umask(0o022)
    os.umask(now)
    return now


def cannot_build(language, world):
    """Why components of a language (None: of none) are not built here; empty: they are."""
    if not language:
        return ""
    cache = Path(world.user_environment()["WASM_TOOLS"]).parents[2]
    if language == "c" and not hosts.guest_linkers():
        return "the toolchain for C guests is not set up: tools/setup/apt.sh"
    if language == "rust" and not (cache / "rust-guest/env").exists():
        return "the toolchain for Rust guests is not set up: tools/setup/rust-guest.sh"
    if language == "js" and not (cache / "js-guest/node_modules").exists():
        return "the toolchain for JavaScript guests is not set up: tools/setup/js-guest.sh"
    if language == "python" and not (cache / "venv/bin/componentize-py").exists():
        return "the toolchain for Python guests is not set up: tools/setup/more-sdks.sh"
    if not (world.build / "loop-wit").exists():
        return "loop-wit is not built: make"
    return ""


def build(project, env):
    out = ran(["loop", "build"], cwd=project, env=env, timeout=600)
    assert "built " in out, out
    again = ran(["loop", "build"], cwd=project, env=env, timeout=600)
    assert "built " not in again, f"it was built again: {again}"


def tested(project, env):
    """The cases of tests/, and that one which is not so fails."""
    ran(["loop", "test"], cwd=project, env=env, timeout=600)
    case = sorted((project / "tests").glob("*.yaml"))[0]
    text = case.read_text(encoding="utf-8")
    case.write_text(re.sub(r"^(status: \d+\n)?run:", "status: 9\nrun:", text, flags=re.M)
                    if "run:" in text else re.sub(r"^result: .*", "result: nothing", text, flags=re.M), encoding="utf-8")
    status, out, _ = common.run(["loop", "test"], cwd=project, env=env, merged=True, timeout=600)
    assert status != 0 and case.stem.encode() in out, f"a case that is wrong passed: {status}: {out}"
    case.write_text(text, encoding="utf-8")


def said(project, env, words, wanted):
    status, out, err = common.run(["loop", "run", *words], cwd=project, env=env, timeout=600)
    ended, stdout, stderr = wanted
    assert (status, out.decode()) == (ended, stdout) and stderr in err.decode(), f"{words}: {status}:\n{out}\n{err}"


def component(world, shelf, language, kind):
    def is_made(folder):
        made(folder, user(world, shelf, folder), "component", "new", f"acme:{NAME}", "--lang", language, "--world", kind)

    def builds(folder):
        if why := cannot_build(language, world):
            return why
        build(folder / NAME, user(world, shelf, folder))
        return None

    def runs(folder):
        if why := cannot_build(language, world):
            return why
        words, *wanted = RUNS[kind]
        said(folder / NAME, user(world, shelf, folder), words, wanted)
        if kind == "http-command":
            server = f"127.0.0.1:{world.servers.start()[0]}"
            said(folder / NAME, user(world, shelf, folder), ["--allow-http", server, "--", f"http://{server}/hello"],
                 (0, f"200 http://{server}/hello\nhello from the test server\n", ""))
        return None

    def passes_its_tests(folder):
        if why := cannot_build(language, world):
            return why
        tested(folder / NAME, user(world, shelf, folder))
        return None

    return cases(f"scaffold/{language}-{kind}", common.fresh_folder(world, "new-"), is_made, builds, runs,
                 passes_its_tests)


def provider(world, shelf, form):
    language = {"library": "c", "sidecar-node": "js"}.get(form, form.removeprefix("sidecar-"))
    checks = "-O1 -g -fsanitize=address,undefined" if world.asan else "-O2 -Wall -Wextra -Wno-unused-parameter -Werror"

    def is_made(folder):
        made(folder, user(world, shelf, folder), "provider", "new", f"acme:{NAME}", "--form", form)

    def builds(folder):
        env, project = user(world, shelf, folder), folder / NAME
        if (project / "Makefile").exists():
            ran(["make", f"CFLAGS={checks}"], cwd=project, env=env)
        if form == "library":
            symbols = ran(["nm", "-D", "--defined-only", f"build/{SNAKE}.so"], cwd=project)
            assert re.findall(r" (\w+)$", symbols, re.M) == ["loop_provider_exported"], symbols
        if form == "sidecar-rust":
            if not shutil.which("cargo"):
                return "cargo is not there"
            ran(["cargo", "build", "--quiet", "--release", "--offline", "--locked"], cwd=project, env=env, timeout=600)
        return None

    def answers_a_component_when_it_is_trusted(folder):
        if why := cannot_build(language, world):
            return why
        env, project = user(world, shelf, folder), folder / NAME
        build(project, env)
        status, out, _ = common.run(["loop", "run"], cwd=project, env=env, merged=True)
        assert status == 77 and b"is not trusted" in out, f"{status}: {out}"
        ran(["loop", "trust", "--yes"], cwd=project, env=env)
        if form == "library":
            said(project, env, [], (0, "5 3 5 4 3\n", ""))
        else:
            said(project, env, ["--", "Ulm", "Bad Schandau"], (0, "Ulm: 5 degrees\nBad Schandau: 14 degrees\n", ""))
            said(project, env, ["--", ""], (1, "", "unknown place"))
        return None

    def passes_its_tests(folder):
        if why := cannot_build(language, world):
            return why
        tested(folder / NAME, user(world, shelf, folder))
        return None

    def is_swapped_while_a_component_uses_it(folder):
        if why := cannot_build(language, world):
            return why
        if form != "library":
            return None
        env = {k: v for k, v in user(world, shelf, folder).items() if k != "LD_LIBRARY_PATH"}
        out = ran(["make", "test", f"CFLAGS={checks}"], cwd=folder / NAME, env=env)  # it finds libloop.so itself
        assert re.search(r"^\d{4,} dice, each the next one$", out, re.M) and "\nmany swaps\n" in out, out
        return None

    return cases(f"scaffold/{form}", common.fresh_folder(world, "new-"), is_made, builds,
                 answers_a_component_when_it_is_trusted, passes_its_tests, is_swapped_while_a_component_uses_it)


def named(world, shelf):
    """Names that headers and functions of C have: they build, and a source finds the system's own."""
    def a_component_is_called_time(folder):
        if why := cannot_build("c", world):
            return why
        env = user(world, shelf, folder)
        project = made(folder, env, "component", "new", "time", "--lang", "c")
        source = project / "src/main.c"
        source.write_text("#include <time.h>\nstatic time_t at;\n" + source.read_text("utf-8").replace(
            "log_greeting(name);", "time(&at);\n    log_greeting(name);"), encoding="utf-8")
        build(project, env)
        return None

    def a_provider_is_called_free(folder):
        env = user(world, shelf, folder)
        for form, built in (("library", "build/free.so"), ("sidecar-c", "build/free")):
            project = made(folder, env, "provider", "new", "free", "--form", form, "--dir", form)
            ran(["make", built], cwd=project, env=env)
        return None

    return cases("scaffold/names", common.fresh_folder(world, "new-"), a_component_is_called_time,
                 a_provider_is_called_free)


def workspace(world, shelf):
    def is_made_and_read(folder):
        env = user(world, shelf, folder)
        project = made(folder, env, "workspace", "new", "home-lab")
        out = ran(["loop", "config"], cwd=project, env=env)
        assert f"{project}/loop.yaml" in out, out
        out = ran(["loop", "config", "--profile", "local"], cwd=project, env=env)
        assert re.search(r"log.level +debug +profiles/local.yaml", out), out

    def what_it_shows_is_right(folder):
        """What is commented out is what loop takes once somebody removes the '#'."""
        project, env = folder / "home-lab", user(world, shelf, folder)
        text = (project / "loop.yaml").read_text(encoding="utf-8").replace("components: {}\n", "")
        shown = re.sub(r"^# ((?:default:|components:|bind:|profile: |  ).*)$", r"\1", text, flags=re.M)
        assert shown != text
        (project / "loop.yaml").write_text(shown, encoding="utf-8")
        out = ran(["loop", "config"], cwd=project, env=env)
        assert "api.example.com:443" in out or "hello" in out, out

    return cases("scaffold/workspace", common.fresh_folder(world, "new-"), is_made_and_read, what_it_shows_is_right)


def host(world):
    """A host of its own, with installed files alone, and loop's conformance guests in it."""
    folder = common.fresh_folder(world, "new-")
    kept = []

    def is_made(f):
        kept.append(hosts.prepare(world, f))
        kept.append(made(f, kept[0][1], "host", "new", f"acme:{NAME}"))

    def is_built_with_an_installation_alone(f):
        flags = "-O1 -g -fsanitize=address,undefined" if world.asan else "-O2 -Wall -Wextra -Wpedantic -Werror"
        alone(["make", "-C", kept[1], f"CFLAGS={flags}"], cwd=f, env=kept[0][1])

    def runs_a_component_on_its_own_provider(f):
        if why := cannot_build("c", world):
            return why
        env = world.user_environment() | kept[0][1] | {"LOOP_CACHE_DIR": str(f / "cache")}
        out = ran(["make", "-C", kept[1], "test"], cwd=f, env=env)
        assert out.count("\nok ") + out.startswith("ok ") == 5, out
        return None

    def has_a_name_of_its_own(f):
        program = kept[1] / f"build/bin/{NAME}"
        assert ran([program, "--help"]).startswith(f"{NAME}: runs WebAssembly components")
        assert re.fullmatch(rf"{NAME} 0\.1\.0, on loop \d+\.\d+\.\d+\n", ran([program, "--version"]))
        assert re.search(r"^board +a board for notices$", ran([program, "--providers"]), re.M)

    try:
        results = cases("scaffold/host", folder, is_made, is_built_with_an_installation_alone,
                        runs_a_component_on_its_own_provider, has_a_name_of_its_own, keep=True)
        if all(r.ok for r in results):
            program = hosts.Host(NAME, [kept[1] / f"build/bin/{NAME}"], folder / "guests", kept[0][1])
            results = hosts.checked(results, program)
        return results
    finally:
        common.remove(folder)


def all_there(world, shelf):
    """The tests know every template there is, and an installation has them all."""
    def every_template_is_tested(_):
        templates = ROOT / "templates"
        names = {p.name for p in templates.iterdir() if p.is_dir()}
        assert names == {"all", "component", "host", "provider", "sidecar", "workspace",
                         *(f"component-{language}" for language in LANGUAGES),
                         *(f if f != "library" else "provider-library" for f in FORMS)}, names
        for language in LANGUAGES:
            there = {p.name for p in (templates / f"component-{language}").iterdir()}
            assert there == {"all", *(f"world-{kind}" for kind in WORLDS)}, there

    def an_installation_has_them_all(_):
        share = shelf / "prefix/share/loop/templates"
        assert {p.name for p in share.iterdir()} == {p.name for p in (ROOT / "templates").iterdir()} - {"provider"}
        assert not [p for p in share.rglob("*") if p.is_symlink()]

    return cases("scaffold/templates", common.fresh_folder(world, "new-"), every_template_is_tested,
                 an_installation_has_them_all)


# --- asked on a terminal --------------------------------------------------------------------

class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, command, cwd, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], command, env)
        self.text = ""

    def until(self, wanted):
        """Waits for a text, which may be there already; what came before it is forgotten."""
        end = time.monotonic() + 120
        while wanted not in self.text:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            try:
                piece = os.read(self.fd, 4096) if ready else b""
            except OSError:
                piece = b""
            assert piece, f"'{wanted}' did not come: {self.text}"
            self.text += piece.decode(errors="replace").replace("\r\n", "\n")
        before, _, self.text = self.text.partition(wanted)
        return before

    def say(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """The rest, and the status."""
        try:
            while piece := os.read(self.fd, 4096):
                self.text += piece.decode(errors="replace").replace("\r\n", "\n")
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def asked(world, shelf):
    def terminal(folder, *words):
        return Terminal(["loop", *words], folder, user(world, shelf, folder))

    def asks_what_was_not_said(folder):
        t = terminal(folder, "component", "new")
        t.until("name of the component: ")
        t.say("Night\n")
        t.until("'Night' is no name")
        t.until("name of the component: ")
        t.say(" night-light \n")
        t.until("lang (c, js, python, rust): ")
        t.say("\n")
        t.until("there is no ''")
        t.until("rust): ")
        t.say("rust\n")
        t.until("storage-command) [command]: ")
        t.say("\n")
        before = t.until("write these files? (y/n) [y]: ")
        assert "  src/main.rs\n" in before and not (folder / NAME).exists(), before
        t.say("y\n")
        assert t.end() == 0 and "made night-light/\nnext\n  cd night-light\n" in t.text, t.text
        assert (folder / NAME / "Cargo.toml").exists()

    def says_where_it_is_taken_before_it_asks(folder):
        t = terminal(folder, "component", "new", NAME)
        assert t.end() == 64 and "not empty" in t.text and "lang" not in t.text.replace("--lang", ""), t.text

    def a_no_makes_nothing(folder):
        for answer in ("n\n", "\x04", "what\n"):
            t = terminal(folder, "workspace", "new", "home-lab")
            t.until("[y]: ")
            t.say(answer)
            assert t.end() == 75 and "no workspace was made" in t.text, t.text
            assert not (folder / "home-lab").exists()

    def control_c_makes_nothing(folder):
        before = set(folder.iterdir())
        for question in ("name of the provider: ", "[library]: "):
            t = terminal(folder, "provider", "new", *([] if "name" in question else ["dice"]))
            t.until(question)
            t.say("\x03")
            assert t.end() in (-signal.SIGINT, 75), t.text
        assert set(folder.iterdir()) == before

    def yes_asks_nothing(folder):
        t = terminal(folder, "provider", "new", "dice", "--yes")
        assert t.end() == 0 and "[library]" not in t.text and (folder / "dice/dice.c").exists(), t.text

    return cases("scaffold/asked", common.fresh_folder(world, "new-"), asks_what_was_not_said,
                 says_where_it_is_taken_before_it_asks, a_no_makes_nothing, control_c_makes_nothing, yes_asks_nothing)


# --- what is interrupted leaves nothing -----------------------------------------------------

def many_files(folder):
    """Templates that take a while to write: those of a workspace, and 1,900 files more."""
    shutil.copytree(ROOT / "templates", folder / "data/templates")
    more = folder / "data/templates/workspace/more"
    for i in range(1900):
        (more / f"{i % 19}").mkdir(parents=True, exist_ok=True)
        (more / f"{i % 19}/{i}.txt").write_text(f"scaffold-name {i}\n" * 50, encoding="utf-8")


def interrupted(world, shelf):
    def whole_or_not_at_all(folder):
        many_files(folder)
        work = folder / "work"
        work.mkdir()
        env = user(world, shelf, folder) | {"LOOP_DATA_DIR": str(folder / "data")}
        whole, chance, endings = None, random.Random(7), {}
        for n in range(INTERRUPTIONS):
            kill = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)[n % 4]
            p = subprocess.Popen(["loop", "workspace", "new", "home-lab"], cwd=work, env=env,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for_a_start(work, p, 1.0 * n / INTERRUPTIONS if n else None, chance)
            if n:
                p.send_signal(kill)
            status = p.wait(timeout=60)
            endings[status] = endings.get(status, 0) + 1
            there = sorted(q.name for q in work.iterdir())
            if kill != signal.SIGKILL or status == 0:
                assert not [q for q in there if q.startswith(".")], f"{kill} left {there}"
            if whole is None:
                whole = files(work / "home-lab")
                assert len(whole) > 1900
            if "home-lab" in there:
                assert files(work / "home-lab") == whole, f"{kill} left half of it"
            elif kill != signal.SIGKILL:
                assert status != 0, f"{kill}: it ended well, and nothing is there"
            for q in work.iterdir():
                shutil.rmtree(q)
        assert endings.get(75, 0) >= 3, f"too few were interrupted in time: {endings}"

    return cases("scaffold/interrupted", common.fresh_folder(world, "new-"), whole_or_not_at_all)


def wait_for_a_start(work, process, share, chance):
    """Until it writes, and a little longer; None: until its end."""
    while share is not None and process.poll() is None:
        begun = [q for q in work.iterdir() if q.name.startswith(".loop-new-")]
        if begun:
            time.sleep(chance.random() * share * 0.1)
            return
        time.sleep(0.0005)
    if share is None:
        process.wait(timeout=60)


def files(folder):
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()}


def no_room(world, shelf):
    def a_full_disk_leaves_nothing(folder):
        (folder / "mount").mkdir()
        script = ('mount -t tmpfs -o size=200k none "$1" && cd "$1" || exit 99; loop component new night-light --lang rust; '
                  'echo "ended $?"; ls -A')
        status, out, _ = common.run(["unshare", "--mount", "--map-root-user", "--user", "sh", "-c", script, "sh",
                                     folder / "mount"], cwd=folder, env=user(world, shelf, folder), merged=True)
        out = out.decode()
        if status == 99 or "unshare" in out:
            return "no file system can be mounted here"
        assert "No space left on device" in out and "nothing was left behind" in out, out
        assert out.endswith("ended 74\n"), f"something is left: {out}"
        return None

    def a_file_that_may_not_grow_leaves_nothing(folder):
        done = subprocess.run(["loop", "component", "new", NAME, "--lang", "rust"], cwd=folder, check=False,
                              env=user(world, shelf, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000)))
        assert done.returncode == 74 and b"File too large" in done.stdout, done.stdout
        assert [p.name for p in folder.iterdir() if p.name != "mount"] == [], list(folder.iterdir())

    def a_folder_that_may_not_be_written_to(folder):
        if os.getuid() == 0:
            return "root may write everywhere"
        (folder / "closed").mkdir(mode=0o555)
        status, out, _ = common.run(["loop", "workspace", "new", NAME], cwd=folder / "closed", merged=True,
                                    env=user(world, shelf, folder))
        assert status == 74 and b"hint: --dir" in out, out
        return None

    return cases("scaffold/no-room", common.fresh_folder(world, "new-"), a_full_disk_leaves_nothing,
                 a_file_that_may_not_grow_leaves_nothing, a_folder_that_may_not_be_written_to)
