/* Zip: the list at its end, the members it points to, and whether these unpack (APPNOTE 6.3.9). */
#include "files/filetype.h"
#include "files/structure.h"
#include "files/unlocked.h"

enum {
    TAIL = 65536 + 22, /* the longest comment, and the end record */
    MEMBERS = 64,      /* looked at */
    DIRECTORY = 65536, /* bytes of it read */
    LOOK = 4096,       /* unpacked of a member */
};

static uint32_t little16(const uint8_t *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t little32(const uint8_t *p)
{
    return little16(p) | little16(p + 2) << 16;
}

struct member {
    uint64_t at; /* of its local header */
    uint32_t method, packed, unpacked, name_length;
    bool encrypted;
    const uint8_t *name;
};

struct listing {
    uint8_t bytes[DIRECTORY];
    size_t length;
    struct member member[MEMBERS];
    size_t count;
    bool large; /* zip64: its list is not read */
};

static bool find_directory(int fd, uint64_t size, uint64_t *at, uint64_t *length, bool *large)
{
    uint8_t tail[TAIL];
    size_t take = size < sizeof tail ? (size_t)size : sizeof tail;
    if (take < 22 || unlocked_read(fd, tail, take, size - take) != (long)take)
        return false;
    for (size_t i = take - 22 + 1; i-- > 0;) {
        const uint8_t *end = tail + i;
        if (memcmp(end, "PK\5\6", 4) != 0 || i + 22 + little16(end + 20) != take)
            continue;
        *length = little32(end + 12);
        *at = little32(end + 16);
        *large = *at == 0xffffffff || little16(end + 8) == 0xffff;
        return *large || *at + *length <= size;
    }
    return false;
}

static bool read_listing(int fd, uint64_t size, struct listing *out)
{
    uint64_t at, length;
    if (!find_directory(fd, size, &at, &length, &out->large))
        return false;
    out->count = 0;
    if (out->large)
        return true;
    size_t take = length < DIRECTORY ? (size_t)length : DIRECTORY;
    if (unlocked_read(fd, out->bytes, take, at) != (long)take)
        return false;
    for (size_t i = 0; i + 46 <= take && out->count < MEMBERS;) {
        const uint8_t *entry = out->bytes + i;
        uint32_t name = little16(entry + 28);
        size_t whole = 46 + (size_t)name + little16(entry + 30) + little16(entry + 32);
        if (memcmp(entry, "PK\1\2", 4) != 0)
            return false;
        if (i + whole > take)
            break; /* more than was read */
        out->member[out->count++] = (struct member){
            .at = little32(entry + 42),
            .method = little16(entry + 10),
            .packed = little32(entry + 20),
            .unpacked = little32(entry + 24),
            .name_length = name,
            .encrypted = little16(entry + 8) & 1,
            .name = entry + 46,
        };
        i += whole;
    }
    return out->count > 0;
}

/* Where a member's data begin, or 0 when its local header is not there. */
static uint64_t member_data(int fd, uint64_t size, const struct member *member)
{
    uint8_t head[30];
    if (member->at + sizeof head > size ||
        unlocked_read(fd, head, sizeof head, member->at) != (long)sizeof head ||
        memcmp(head, "PK\3\4", 4) != 0 || little16(head + 26) != member->name_length)
        return 0;
    return member->at + sizeof head + little16(head + 26) + little16(head + 28);
}

static bool ends_in(const struct member *member, const char *end)
{
    size_t length = strlen(end);
    return member->name_length >= length &&
           memcmp(member->name + member->name_length - length, end, length) == 0;
}

/* What is named XML is: an office document's text, when it is what it says. */
static bool member_holds(int fd, uint64_t size, const struct member *member)
{
    uint64_t data = member_data(fd, size, member);
    if (data == 0)
        return false;
    if (member->encrypted || member->unpacked == 0 || (member->method != 0 && member->method != 8))
        return !member->encrypted;
    uint8_t out[LOOK];
    long got = member->method == 8 ? structure_inflate(fd, data, out, sizeof out)
                                   : unlocked_read(fd, out, sizeof out, data);
    if (got <= 0)
        return false;
    if (ends_in(member, ".xml") || ends_in(member, ".rels"))
        return filetype_of(out, (size_t)(got < member->unpacked ? got : member->unpacked)) ==
               FILETYPE_TEXT;
    return true;
}

bool zip_holds(int fd, uint64_t size)
{
    struct listing listing;
    if (!read_listing(fd, size, &listing))
        return false;
    for (size_t i = 0; i < listing.count; i++)
        if (!member_holds(fd, size, &listing.member[i]))
            return false;
    return true;
}

bool zip_unpacks_to(int fd, uint64_t size, const uint8_t *want, size_t length)
{
    struct listing listing;
    if (!read_listing(fd, size, &listing) || listing.count == 0)
        return false;
    for (size_t i = 0; i < listing.count; i++) {
        const struct member *member = &listing.member[i];
        uint64_t data = member_data(fd, size, member);
        uint8_t out[32768];
        if (data == 0 || member->encrypted || length > sizeof out)
            continue;
        long got = member->method == 8   ? structure_inflate(fd, data, out, length)
                   : member->method == 0 ? unlocked_read(fd, out, length, data)
                                         : -1;
        if (got == (long)length && memcmp(out, want, length) == 0)
            return true;
    }
    return false;
}

/* By the first member's name: office formats begin with a fixed one, and keep it. */
unsigned filetype_zip_kind(const uint8_t *head, size_t length)
{
    static const char *const first[] = {
        "mimetype", "[Content_Types].xml", "_rels/", "META-INF/", "docProps/", "word/", "xl/",
        "ppt/"};
    /* Office writes its own parts in any order: all but the first are one kind. */
    static const unsigned kind[] = {1, 2, 2, 3, 2, 2, 2, 2};
    if (length < 30)
        return 0;
    size_t name = little16(head + 26);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        size_t want = strlen(first[i]);
        if (name >= want && length >= 30 + want && memcmp(head + 30, first[i], want) == 0)
            return kind[i];
    }
    return 0;
}
