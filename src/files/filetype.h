/* filetype.h: what a file is, by its first bytes, and whether its structure holds. Room's own.
 *
 * FILETYPES is the whole table, first match wins. It need not know every type: what it does not
 * know is UNKNOWN, and is judged by entropy alone. Dense types look like noise in themselves, so
 * that entropy says nothing about them; where `structure` says so, filetype_holds() looks inside.
 *
 * Source of the numbers: the formats' own documents (APPNOTE 6.3.9, RFC 1952, ISO 32000-1,
 * ITU T.81, PNG 1.2 and so on).
 */
#ifndef ECLUSE_FILES_FILETYPE_H
#define ECLUSE_FILES_FILETYPE_H

#include "base/base.h"

#include <stdbool.h>

enum { FILETYPE_HEAD = 4096 }; /* bytes from which it is told */

/*    constant   name       dense  structure  at   magic bytes */
#define FILETYPES(X)                                                                               \
    X(ZIP, "zip", true, true, 0, "PK\3\4")                                                         \
    X(PDF, "pdf", true, true, 0, "%PDF-")                                                          \
    X(PNG, "png", true, true, 0, "\x89PNG\r\n\x1a\n")                                              \
    X(JPEG, "jpeg", true, true, 0, "\xff\xd8\xff")                                                 \
    X(GZIP, "gzip", true, true, 0, "\x1f\x8b\x08")                                                 \
    X(OLE, "ole", false, false, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")                             \
    X(GIF, "gif", true, false, 0, "GIF8")                                                          \
    X(TIFF_LITTLE, "tiff", false, false, 0, "II*\0")                                               \
    X(TIFF_BIG, "tiff", false, false, 0, "MM\0*")                                                  \
    X(RIFF, "riff", true, false, 0, "RIFF")                                                        \
    X(PHOTOSHOP, "psd", false, false, 0, "8BPS")                                                   \
    X(XZ, "xz", true, false, 0,                                                                    \
      "\xfd"                                                                                       \
      "7zXZ\0")                                                                                    \
    X(BZIP2, "bzip2", true, false, 0, "BZh")                                                       \
    X(ZSTD, "zstd", true, false, 0, "\x28\xb5\x2f\xfd")                                            \
    X(LZ4, "lz4", true, false, 0, "\x04\x22\x4d\x18")                                              \
    X(SEVENZIP, "7z", true, false, 0, "7z\xbc\xaf\x27\x1c")                                        \
    X(RAR, "rar", true, false, 0, "Rar!\x1a\x07")                                                  \
    X(TAR, "tar", false, false, 257, "ustar")                                                      \
    X(ELF, "program", false, false, 0,                                                             \
      "\x7f"                                                                                       \
      "ELF")                                                                                       \
    X(ARCHIVE, "ar", false, false, 0, "!<arch>\n")                                                 \
    X(JAVA, "java class", false, false, 0, "\xca\xfe\xba\xbe")                                     \
    X(WASM, "wasm", false, false, 0, "\0asm")                                                      \
    X(SQLITE, "sqlite", false, false, 0, "SQLite format 3\0")                                      \
    X(SQLITE_WAL, "sqlite wal", false, false, 0, "\x37\x7f\x06")                                   \
    X(ACCESS, "access", false, false, 4, "Standard ")                                              \
    X(OUTLOOK, "pst", false, false, 0, "!BDN")                                                     \
    X(GIT_INDEX, "git index", false, false, 0, "DIRC")                                             \
    X(GIT_PACK, "git pack", true, false, 0, "PACK")                                                \
    X(GIT_PACK_INDEX, "git pack index", true, false, 0, "\377tOc")                                 \
    X(OGG, "ogg", true, false, 0, "OggS")                                                          \
    X(FLAC, "flac", true, false, 0, "fLaC")                                                        \
    X(MATROSKA, "matroska", true, false, 0, "\x1a\x45\xdf\xa3")                                    \
    X(MPEG4, "mp4", true, false, 4, "ftyp")                                                        \
    X(MP3, "mp3", true, false, 0, "ID3")                                                           \
    X(WOFF, "woff", true, false, 0, "wOF")                                                         \
    X(DRAWING, "dwg", true, false, 0, "AC10")                                                      \
    X(PARQUET, "parquet", true, false, 0, "PAR1")                                                  \
    X(KEEPASS, "keepass", true, false, 0, "\x03\xd9\xa2\x9a")

enum filetype {
    FILETYPE_UNKNOWN,
    FILETYPE_EMPTY,
    FILETYPE_TEXT,   /* letters, in any encoding that a person may use */
    FILETYPE_ARMOUR, /* letters and digits without words: base64, hex */
#define X(constant, ...) FILETYPE_##constant,
    FILETYPES(X)
#undef X
        FILETYPE_COUNT
};

const char *filetype_name(enum filetype type);
bool filetype_is_dense(enum filetype type);
bool filetype_has_structure(enum filetype type);

/* From the first bytes of a file: all of it, or FILETYPE_HEAD. */
enum filetype filetype_of(const uint8_t *head, size_t length);

/* Whether the structure of a file of this type holds, as far as bounded looks can tell: reads at
 * most some hundred KiB of fd, and unpacks at most 2 MiB. Only for types with structure. The seed
 * picks the places. */
bool filetype_holds(enum filetype type, int fd, uint64_t size, uint64_t seed);

/* A zip whose members say what it is: "word/", "xl/", "ppt/", "mimetype", ...: 0 for any other. Two
 * zips of different kinds are different types. */
unsigned filetype_zip_kind(const uint8_t *head, size_t length);

/* Whether the gzip or zip behind fd unpacks to what begins like the file behind `old`. */
bool filetype_unpacks_to(enum filetype type, int fd, uint64_t size, int old, uint64_t old_size);

#endif
