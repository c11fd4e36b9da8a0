"""What people and machines do on a share all day: none of it may be held. Each is a function of a
world, a user and a directory of his, and says nothing unless it went wrong."""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import file_tree

QUIET = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
         "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
         "GIT_COMMITTER_EMAIL": "a@example.org", "PATH": os.environ["PATH"]}


def do(world, user, directory, command, timeout=60):
    """A line of shell, as the user, in the directory."""
    home = {"HOME": str(directory), "TMPDIR": world.share.at("tmp")}
    status, said = world.do(user, "sh", "-ec", command, timeout=timeout, cwd=directory,
                            env={**QUIET, **home})
    assert status == 0, said[-2000:]
    return said


def give(directory, user):
    for folder, _, names in os.walk(directory):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, user, user, follow_symlinks=False)


def text(seed, lines=40):
    return "\n".join(file_tree.sentences(seed, lines)) + "\n"


# ---- Sources ----------------------------------------------------------------------------------

def make_repository(path, files, user):
    """Two states of one tree of sources: in the second, two thirds of the files are others and a
    tenth is not there. Made outside of the share, to be cloned from."""
    os.makedirs(path)

    def git(*words):
        subprocess.run(["git", "-C", path, *words], check=True, capture_output=True, env=QUIET)
    git("init", "-q", "-b", "first")
    for branch in ("first", "second"):
        if branch == "second":
            git("checkout", "-q", "-b", "second")
        for number in range(files):
            file = pathlib.Path(path, f"part{number % 50:02}", f"unit{number:05}.c")
            file.parent.mkdir(exist_ok=True)
            seed = number if branch == "first" or number % 3 == 0 else files + number
            if branch == "second" and number % 10 == 9:
                file.unlink()
                continue
            file.write_text(f"/* {text(seed, 12)}*/\n#include <stdio.h>\nint unit{number}(int n);\n"
                            f"int unit{number}(int n)\n{{\n    printf(\"%d\", n);\n"
                            f"    return n * {seed};\n}}\n")
        git("add", "-A")
        git("commit", "-qm", branch)
    git("config", "uploadpack.allowAnySHA1InWant", "true")
    give(path, user)


def checkout(world, user, directory, files=60):
    """A clone, and from one state to the other and back. With its objects each file is several, and
    the contract lets a user read 500 an hour: twice as many would be a sweep by its own words."""
    source = world.share.at(f"repository-{user}")
    make_repository(source, files, user)
    do(world, user, directory, f"git clone -q --no-hardlinks {source} tree && cd tree && "
                               "git checkout -q first && git checkout -q second && "
                               "git checkout -q first && git status")
    shutil.rmtree(source)


def write_makefile(directory):
    pathlib.Path(directory, "Makefile").write_text(
        "SOURCES := $(wildcard */*.c)\nOBJECTS := $(SOURCES:.c=.o)\nlibrary.a: $(OBJECTS)\n"
        "\tar rcs $@ $^\n%.o: %.c\n\t$(CC) $(CFLAGS) -c -o $@ $<\n", encoding="utf-8")


def build(world, user, directory, files=70):
    """Everything is compiled, and once more with other options over what was there."""
    for number in range(files):
        file = pathlib.Path(directory, f"part{number % 7}", f"unit{number}.c")
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#include <stdlib.h>\nint unit{number}(int n)\n"
                        f"{{\n    return abs(n) * {number};\n}}\n")
    write_makefile(directory)
    give(directory, user)
    do(world, user, directory, "make -s -j2 && make -s -j2 -B CFLAGS='-O2 -g'")


# ---- Archives and copies ----------------------------------------------------------------------

def archives(world, user, directory):
    """Packed, unpacked over itself, and every file of a folder compressed on its own."""
    place = os.path.join(directory, "tree")
    file_tree.plant(world.stock, place, 160, user)
    give(directory, user)
    do(world, user, directory,
       "tar czf tree.tar.gz tree && zip -qr tree.zip tree && tar xzf tree.tar.gz && "
       "mkdir out && tar xzf tree.tar.gz -C out && python3 -m zipfile -e tree.zip out2 && "
       "find out -name '*.html' -o -name '*.csv' -o -name '*.xml' -o -name '*.py' | xargs -d '\\n' "
       "gzip -f && gzip -dr out")


def backup(world, user, directory):
    """A copy, and after a day's work the copy of what changed."""
    file_tree.plant(world.stock, os.path.join(directory, "tree"), 160, user)
    give(directory, user)
    do(world, user, directory, "rsync -a tree/ copy/")
    for path, _ in list(file_tree.files(os.path.join(directory, "tree")))[::2]:
        if path.endswith((".csv", ".txt", ".html", ".py", ".h", ".xml")):
            with open(path, "ab") as file:
                file.write(text(len(path)).encode())
    do(world, user, directory, "rsync -a tree/ copy/ && rsync -a --inplace tree/ copy/")


# ---- Databases --------------------------------------------------------------------------------

SQLITE = """
import sqlite3, sys
for mode in ("delete", "truncate", "wal"):
    base = sqlite3.connect(f"parcels-{mode}.db")
    base.execute(f"pragma journal_mode={mode}")
    base.execute("create table event (at integer, parcel text, place text)")
    for turn in range(120):
        rows = [(turn * n, f"RA{n:09}FR", f"place {n % 90}") for n in range(50)]
        base.executemany("insert into event values (?, ?, ?)", rows)
        base.execute("update event set place = 'moved' where at % 7 = ?", (turn % 7,))
        base.commit()
    base.execute("vacuum")
    base.close()
"""


def sqlite(world, user, directory):
    """Transactions with each kind of journal: files that come and go by the hundred."""
    give(directory, user)
    script = world.share.at("sqlite.py")
    pathlib.Path(script).write_text(SQLITE, encoding="utf-8")
    do(world, user, directory, f"{sys.executable} {script}")
    base = sqlite3.connect(os.path.join(directory, "parcels-wal.db"))
    assert base.execute("select count(*) from event").fetchone() == (6000,)
    base.close()


def postgres_programs():
    return str(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1])


# A database opens hundreds of its files for writing at once: it is named, and has its own limits.
TRUSTED = """\
    - {{name: database, executable: {program}, user: postgres}}
"""
BUDGETS = """\
  - name: the database reads
    meter: files_read
    per: user
    where: {share: exchange, trusted: database}
    at_most: {1h: 20000}
    over: hold
    hold_for: 1h
  - name: the database writes
    meter: files_rewritten
    per: user
    where: {share: exchange, trusted: database}
    at_most: {1h: 20000}
    over: hold
    hold_for: 1h
"""


def with_a_database():
    """What a contract says of one: parts for GuardedShare()."""
    return {"trusted": TRUSTED.format(program=f"{postgres_programs()}/postgres"),
            "budgets": BUDGETS}


class Postgres:
    """A server of its own on a socket in the world's own directory, as the user of Debian's."""

    USER = "postgres"  # initdb wants one that the system knows

    def __init__(self, world, directory, checkpoints=False):
        self.world, self.directory, self.checkpoints = world, directory, checkpoints
        self.programs = postgres_programs()
        self.sockets = world.share.at("postgres")
        os.makedirs(self.sockets, exist_ok=True)
        shutil.chown(self.sockets, self.USER, self.USER)
        shutil.chown(directory, self.USER, self.USER)
        self.run("initdb", "--no-sync", "-A", "trust", "-D", f"{directory}/data")
        self.begin()

    def run(self, program, *words, timeout=120):
        done = subprocess.run(["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}",
                               "--clear-groups", f"{self.programs}/{program}", *map(str, words)],
                              capture_output=True, text=True, check=False, timeout=timeout,
                              cwd=self.sockets, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def begin(self):
        often = "-c checkpoint_timeout=30s -c max_wal_size=32MB" if self.checkpoints else ""
        self.server = subprocess.Popen(
            ["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--clear-groups",
             f"{self.programs}/postgres", "-D", f"{self.directory}/data", "-k", self.sockets,
             "-c", "listen_addresses=", *often.split()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(300):
            if subprocess.run([f"{self.programs}/pg_isready", "-q", "-h", self.sockets],
                              check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError("the database does not answer")

    def bench(self, *words, timeout=120):
        return self.run("pgbench", "-h", self.sockets, *words, "postgres", timeout=timeout)

    def end(self):
        if self.server.poll() is None:
            self.server.send_signal(2)  # SIGINT: fast shutdown
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()


def postgres(world, _user, directory, seconds=4):
    server = Postgres(world, directory, checkpoints=True)
    try:
        server.bench("-i", "-q", "-s", "2")
        server.bench("-c", "4", "-T", seconds)
        server.bench("-i", "-q", "-s", "1")  # everything anew
    finally:
        server.end()


# ---- Offices ----------------------------------------------------------------------------------

def editing(world, user, directory):
    """A correction in every text of a folder: by rename over, in place, and by truncation."""
    for number in range(120):
        pathlib.Path(directory, f"letter {number}.txt").write_text(text(number), encoding="utf-8")
    give(directory, user)
    script = "import pathlib\nfor p in sorted(pathlib.Path('.').glob('*.txt'))[::2]:\n" \
             "    t = p.read_text().replace('depot', 'office')\n    p.write_text(t)\n"
    do(world, user, directory,
       f"sed -i s/parcel/letter/g *.txt && {sys.executable} -c \"{script}\" && "
       "for f in *1.txt; do mv \"$f\" \"$f~\" && cp \"$f~\" \"$f\" && rm \"$f~\"; done")


def pictures(world, user, directory, count=60):
    """A folder of photographs made smaller, in place, and in another form."""
    sources = list(world.stock.take(".jpg", count))
    for number, source in enumerate(sources):
        shutil.copyfile(source, os.path.join(directory, f"photo {number}.jpg"))
    give(directory, user)
    do(world, user, directory,
       "mogrify -resize 60% *.jpg && mogrify -format png *.jpg && mogrify -rotate 90 *.png")


def documents(world, user, directory, count=60):
    """Documents opened and saved by LibreOffice, over themselves and in another form."""
    for number in range(count):
        file_tree.make_office(os.path.join(directory, f"note {number}.docx"), number)
    give(directory, user)
    do(world, user, directory,
       f"save() {{ soffice -env:UserInstallation=file://{world.share.at('tmp')}/office-{user} "
       "--headless --convert-to \"$@\" >/dev/null; }; "
       "save odt *.docx && mkdir new && save odt --outdir new *.odt && mv -f new/* . && "
       "save pdf *.odt && test $(ls *.pdf | wc -l) = $(ls *.docx | wc -l)", timeout=600)


def package(world, user, directory, files=120):
    """A package is installed below the directory, and then its next version."""
    made = pathlib.Path(world.share.at(f"package-{user}"))
    for version in (1, 2):
        root = made / str(version)
        (root / "DEBIAN").mkdir(parents=True)
        (root / "DEBIAN/control").write_text(
            f"Package: on-the-share\nVersion: {version}\nArchitecture: all\nMaintainer: t <t@example"
            ".org>\nDescription: a test\n")
        for number in range(files):
            file = root / "usr/share/doc/on-the-share" / f"file{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text(number + version * files, 20 + number))
        subprocess.run(["dpkg-deb", "-b", root, made / f"{version}.deb"], check=True,
                       capture_output=True)
    give(made, user)
    give(directory, user)
    do(world, user, directory,
       "mkdir -p var/lib/dpkg/updates var/lib/dpkg/info && : >var/lib/dpkg/status && "
       f"for v in 1 2; do dpkg-deb -x {made}/$v.deb . ; done")
    do(world, 0, directory,
       f"for v in 1 2; do dpkg --root={directory} --log=/dev/null --force-all "
       f"-i {made}/$v.deb; done")
    shutil.rmtree(made)


EVERY_TIME = (checkout, build, archives, backup, sqlite, postgres, editing, pictures, package)
LONG_ONLY = (documents,)
