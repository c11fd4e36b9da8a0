"""A tree of real files to work on, and everything about them that a restore must give back."""

import hashlib
import itertools
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import zipfile

# What Debian ships is taken from here, some of each kind; the rest is made.
PLACES = ("/usr/share/doc", "/usr/include", "/usr/lib/python3", "/usr/lib/python3.11", "/usr/share")
SHARES = {  # of a hundred files
    ".gz": 16, ".png": 16, ".py": 14, ".html": 10, ".svg": 6, ".json": 5, ".xml": 5, ".h": 6,
    ".ttf": 1, ".txt": 5, ".jpg": 4, ".pdf": 2, ".odt": 4, ".docx": 3, ".csv": 3,
}
LEAST, MOST = 700, 400_000  # bytes: what people keep on a share, without the giants
ENOUGH, MADE = 2000, 16      # of a kind


def look_around():
    """Paths of files that the system has, by ending; one walk for all of them."""
    found = {ending: [] for ending in SHARES if ending not in MAKERS}
    for place in PLACES:
        for directory, folders, names in os.walk(place):
            folders.sort()
            for name in sorted(names):
                paths = found.get(os.path.splitext(name)[1])
                if paths is not None and len(paths) < ENOUGH:
                    path = os.path.join(directory, name)
                    if not os.path.islink(path) and LEAST <= os.path.getsize(path) <= MOST:
                        paths.append(path)
        if all(len(paths) >= ENOUGH for paths in found.values()):
            break
    for ending, paths in found.items():
        assert paths, f"this system has no {ending} file"
        random.Random(ending).shuffle(paths)
    return found


# ---- What is made -----------------------------------------------------------------------------

XML = '<?xml version="1.0" encoding="UTF-8"?>'
OPEN = "urn:oasis:names:tc:opendocument:xmlns:"
OOXML = "application/vnd.openxmlformats-"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
OFFICE = {  # the least that LibreOffice takes: the parts in order; %s: the paragraphs
    ".odt": ("<text:p>%s</text:p>", {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f'{XML}<office:document-content xmlns:office="{OPEN}office:1.0" xmlns:text='
                       f'"{OPEN}text:1.0" office:version="1.3"><office:body><office:text>%s'
                       '</office:text></office:body></office:document-content>',
        "META-INF/manifest.xml":
            f'{XML}<manifest:manifest xmlns:manifest="{OPEN}manifest:1.0" manifest:version="1.3">'
            '<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis'
            '.opendocument.text"/><manifest:file-entry manifest:full-path="content.xml" '
            'manifest:media-type="text/xml"/></manifest:manifest>'}),
    ".docx": ("<w:p><w:r><w:t>%s</w:t></w:r></w:p>", {
        "[Content_Types].xml":
            f'{XML}<Types xmlns="{PACKAGE}content-types"><Default Extension="rels" ContentType='
            f'"{OOXML}package.relationships+xml"/><Override PartName="/word/document.xml" '
            f'ContentType="{OOXML}officedocument.wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels":
            f'{XML}<Relationships xmlns="{PACKAGE}relationships"><Relationship Id="r1" Type="http://'
            'schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
        "word/document.xml":
            f'{XML}<w:document xmlns:w="{WORD}"><w:body>%s</w:body></w:document>'}),
}


def sentences(seed, count):
    """Plain text that compresses as text does."""
    words = ("parcel depot letter route counter scanner morning address weight customs stamp lorry "
             "sender arrival delay window signature archive invoice contract region").split()
    dice = random.Random(seed)
    for number in range(count):
        yield f"{' '.join(dice.choices(words, k=12))} {number}."


def make_office(path, seed):
    paragraph, parts = OFFICE[os.path.splitext(path)[1]]
    lines = "".join(paragraph % line for line in sentences(seed, 150 + seed % 200))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in parts.items():
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            out.writestr(name, text.replace("%s", lines), how)


def make_csv(path, seed):
    with open(path, "w", encoding="utf-8") as out:
        for number, line in enumerate(sentences(seed, 100 + seed % 300)):
            out.write(f"{number};{';'.join(line.split())}\n")


WIDTH, HEIGHT, PHOTOGRAPHS = 300, 200, 8


def make_photograph(path, seed):
    """As a camera's or a scanner's program would have written it: all at once, once a folder."""
    folder = os.path.dirname(path)
    made = os.path.join(folder, f"photograph-{seed % PHOTOGRAPHS}")
    if not os.path.exists(made):
        subprocess.run(["convert", "-size", f"{WIDTH}x{HEIGHT}", "-seed", "1",
                        *["plasma:"] * PHOTOGRAPHS, "+adjoin",
                        f"jpeg:{folder}/photograph-%d"], check=True, capture_output=True)
    shutil.copyfile(made, path)


def make_pdf(path, seed):
    """A scan: one photograph on one page."""
    make_photograph(path, seed)
    with open(path, "rb") as file:
        picture = file.read()
    draw = b"q %d 0 0 %d 0 0 cm /P Do Q" % (WIDTH, HEIGHT)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 5 0 R/Resources<</XObject<</P"
        b" 4 0 R>>>>>>" % (WIDTH, HEIGHT),
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8"
        b"/Filter/DCTDecode/Length %d>>stream\n%b\nendstream" % (WIDTH, HEIGHT, len(picture), picture),
        b"<</Length %d>>stream\n%b\nendstream" % (len(draw), draw)]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%b\nendobj\n" % (number, one)
    table = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    out += b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table
    with open(path, "wb") as file:
        file.write(out)


MAKERS = {".odt": make_office, ".docx": make_office, ".csv": make_csv, ".jpg": make_photograph,
          ".pdf": make_pdf}


class Stock:
    """The files to copy from, found and made once for all trees of a run."""

    def __init__(self, directory):
        self.directory, self.of = directory, None
        os.makedirs(directory, exist_ok=True)

    def take(self, ending, wanted):
        if self.of is None:
            self.of = look_around()
        if ending not in self.of:
            self.of[ending] = [self.make(ending, number) for number in range(MADE)]
        return itertools.islice(itertools.cycle(self.of[ending]), wanted)

    def make(self, ending, number):
        path = os.path.join(self.directory, f"made-{number}{ending}")
        MAKERS[ending](path, number)
        return path


def sources(stock, count):
    """(ending, path) for so many files, the kinds taking turns."""
    kinds = [[(ending, path) for path in stock.take(ending, -(-count * share // 100))]
             for ending, share in SHARES.items()]
    turns = itertools.zip_longest(*kinds)
    return [one for turn in turns for one in turn if one is not None][:count]


def plant(stock, directory, count, owner=0):
    """Files of every kind below a directory, as a department would have them; returns how many.

    Some have rights, lists of rights and attributes of their own: a restore must know them all.
    """
    planted = sources(stock, count)
    for place, (ending, source) in enumerate(planted):
        folder = os.path.join(directory, "files", f"dossier {place % 23:02}", f"{place % 7}")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"pièce {place:05}{ending}")
        shutil.copyfile(source, path)
        os.chmod(path, (0o644, 0o640, 0o600, 0o664)[place % 4])
        if place % 10 == 3:
            os.setxattr(path, "user.reference", b"dossier %d" % place)
        moment = 1_600_000_000_123_456_789 + place * 1_000_003
        os.utime(path, ns=(moment, moment))
    for folder, _, names in os.walk(directory):
        os.chown(folder, owner, owner)
        for name in names:
            os.chown(os.path.join(folder, name), owner, owner)
    give_rights(directory, owner)
    return len(planted)


def give_rights(directory, owner):
    """Every 11th file lets one more person read it."""
    paths = sorted(path for path, _ in files(directory))[::11]
    if paths:
        subprocess.run(["setfacl", "-m", f"u:{owner + 1}:r", "--", *paths], check=True)


# ---- Everything about them --------------------------------------------------------------------

def files(directory):
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path, os.path.relpath(path, directory)


def digest(path):
    """Of the bytes that are there; a hole of 100 GB is told by where it ends, not read."""
    size = os.path.getsize(path)
    total = hashlib.blake2b(str(size).encode())
    with open(path, "rb", buffering=0) as file:
        if size < 64 << 20:
            total.update(file.read())
            return total.hexdigest()
        at = 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            block = os.pread(file.fileno(), 65536, at)
            if block.strip(b"\0"):  # zeros that are written are as good as a hole
                total.update(b"%d " % at + block)
            at += len(block)
    return total.hexdigest()


def record(path):
    s = os.stat(path)
    attributes = {name: os.getxattr(path, name).hex() for name in sorted(os.listxattr(path))
                  if name.startswith(("user.", "system.posix_acl"))}
    return {"bytes": digest(path), "owner": [s.st_uid, s.st_gid], "mode": stat.S_IMODE(s.st_mode),
            "changed": s.st_mtime_ns, "attributes": attributes}


def snapshot(directory):
    """relative path -> everything; reading it must not disturb a guard: call it as root."""
    return {name: record(path) for path, name in files(directory)}


def differences(before, after, ignore=()):
    """(missing, other): files that are gone, and for those that differ in what."""
    missing = sorted(set(before) - set(after))
    other = {name: [key for key in before[name]
                    if key not in ignore and before[name][key] != after[name][key]]
             for name in before if name in after}
    return missing, {name: keys for name, keys in other.items() if keys}


if __name__ == "__main__":  # for a process that may read a guarded share
    print(json.dumps(snapshot(sys.argv[1])))
