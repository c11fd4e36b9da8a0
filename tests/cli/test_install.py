"""`meson install`: everything that a machine needs, and nothing that only the build does."""

import shutil
import subprocess

import pytest
from conftest import BUILD


@pytest.mark.skipif(shutil.which("meson") is None, reason="no meson here")
def test_an_installation_is_whole(tmp_path):
    done = subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir", str(tmp_path)],
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {path.name: path for path in tmp_path.rglob("*") if path.is_file()}
    ends = {"ecluse": "bin/ecluse", "ecluse.1": "share/man/man1/ecluse.1",
            "ecluse.yaml.5": "share/man/man5/ecluse.yaml.5",
            "ecluse.service": "lib/systemd/system/ecluse.service",
            "ngx_http_ecluse_module.so": "lib/nginx/modules/ngx_http_ecluse_module.so"}
    for name, end in ends.items():
        name = name if name in found else name + ".gz"
        assert str(found[name]).removesuffix(".gz").endswith(end), sorted(found)
    assert "ngx_http_ecluse_module_faults.so" not in found
    help_text = subprocess.run([found["ecluse"], "--help"], capture_output=True, text=True, check=False, timeout=20)
    assert help_text.returncode == 0 and "usage" in help_text.stdout
