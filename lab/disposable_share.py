"""A disposable share: XFS with reflinks in a file of its own, mounted, and always unmounted."""

import glob
import os
import shutil
import subprocess
import tempfile
import time

SIZE = 3 << 30  # of the file system; the image is sparse


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          text=True, **options)


PREFIX = "ecluse-share-"


def in_memory():
    """Where a share waits for no disk: a folder in memory if there is room for one, else None."""
    try:
        space = os.statvfs("/dev/shm")
    except OSError:
        return None
    return "/dev/shm" if space.f_bavail * space.f_bsize > 4 << 30 else None


def clear_up_after_the_dead(within=None):
    """Shares whose test was killed: nobody else unmounts them."""
    for home in glob.glob(os.path.join(within or tempfile.gettempdir(), PREFIX + "*")):
        try:
            with open(os.path.join(home, "owner"), encoding="utf-8") as file:
                owner = int(file.read())
            os.kill(owner, 0)
        except ProcessLookupError:
            unmount(os.path.join(home, "share"))
            shutil.rmtree(home, ignore_errors=True)
        except (OSError, ValueError):
            continue  # one that lives, or another's


def unmount(path, patience=10):
    deadline = time.monotonic() + patience
    while os.path.ismount(path):
        if subprocess.run(["umount", path], capture_output=True, check=False).returncode == 0:
            return
        if time.monotonic() > deadline:  # somebody still has a file open: gone when he is
            run("umount", "--lazy", path)
            return
        time.sleep(0.1)


class Share:
    """Nothing outside its own temporary directory is ever mounted or marked."""

    def __init__(self, size=SIZE, kind="xfs", within=None, whole=False):
        """whole: every block of the image is there from the start, as on a disk; else the first
        write to each makes it, which a measurement would count."""
        clear_up_after_the_dead(within)
        self.home = tempfile.mkdtemp(prefix=PREFIX, dir=within)
        with open(self.at("owner"), "w", encoding="utf-8") as file:
            file.write(str(os.getpid()))
        os.chmod(self.home, 0o755)  # throw-away users go through it
        self.image, self.path = self.at("image"), self.at("share")
        os.mkdir(self.path)
        with open(self.image, "wb") as image:
            image.truncate(size)
            if whole:
                os.posix_fallocate(image.fileno(), 0, size)
        make = ["mkfs.xfs", "-q", "-m", "reflink=1"] if kind == "xfs" else [f"mkfs.{kind}", "-q"]
        if whole:
            make.append("-K")  # and stays there
        run(*make, self.image)
        run("mount", "-o", "loop,nodev,nosuid,noatime", self.image, self.path)
        os.chmod(self.path, 0o755)
        os.mkdir(self.at("tmp"))
        os.chmod(self.at("tmp"), 0o1777)

    def at(self, *parts):
        return os.path.join(self.home, *parts)

    def on(self, *parts):
        return os.path.join(self.path, *parts)

    def close(self):
        unmount(self.path)
        shutil.rmtree(self.home, ignore_errors=True)
