"""A disposable share: XFS with reflinks in a file of its own, mounted, and always unmounted."""

import os
import shutil
import subprocess
import tempfile
import time

SIZE = 3 << 30  # of the file system; the image is sparse


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          text=True, **options)


class Share:
    """Nothing outside its own temporary directory is ever mounted or marked."""

    def __init__(self, size=SIZE, kind="xfs", within=None):
        self.home = tempfile.mkdtemp(prefix="ecluse-share-", dir=within)
        os.chmod(self.home, 0o755)  # throw-away users go through it
        self.image, self.path = self.at("image"), self.at("share")
        self.mounted = False
        os.mkdir(self.path)
        with open(self.image, "wb") as image:
            image.truncate(size)
        make = ["mkfs.xfs", "-q", "-m", "reflink=1"] if kind == "xfs" else [f"mkfs.{kind}", "-q"]
        run(*make, self.image)
        run("mount", "-o", "loop,nodev,nosuid,noatime", self.image, self.path)
        self.mounted = True
        os.chmod(self.path, 0o755)
        os.mkdir(self.at("tmp"))
        os.chmod(self.at("tmp"), 0o1777)

    def at(self, *parts):
        return os.path.join(self.home, *parts)

    def on(self, *parts):
        return os.path.join(self.path, *parts)

    def close(self):
        deadline = time.monotonic() + 10
        while self.mounted:
            if subprocess.run(["umount", self.path], capture_output=True, check=False) \
                    .returncode == 0:
                self.mounted = False
            elif time.monotonic() > deadline:  # somebody still has a file open: gone when he is
                run("umount", "--lazy", self.path)
                self.mounted = False
            else:
                time.sleep(0.1)
        shutil.rmtree(self.home, ignore_errors=True)
