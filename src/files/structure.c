/* Whether the inside of a file is what its head says. What is read here was written by attackers.
 * */
#include "files/structure.h"

#include "files/unlocked.h"

#include <zlib.h>

enum { WINDOW = 4096, PNG_CHUNKS = 4096, PNG_CHECKED = 64, JPEG_MARKERS = 256, JPEG_WINDOWS = 16 };

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- PNG: a chain of chunks with a checksum each --------------------------------------------- */

static bool png_chunk_is_whole(int fd, uint64_t at, uint32_t length)
{
    uint8_t bytes[WINDOW];
    uLong sum = crc32(0, NULL, 0);
    uint64_t left = (uint64_t)length + 4; /* the type is summed too */
    for (uint64_t from = at + 4; left;) {
        size_t take = left < sizeof bytes ? (size_t)left : sizeof bytes;
        if (unlocked_read(fd, bytes, take, from) != (long)take)
            return false;
        sum = crc32(sum, bytes, (uInt)take);
        from += take;
        left -= take;
    }
    uint8_t stored[4];
    return unlocked_read(fd, stored, 4, at + 8 + length) == 4 && big32(stored) == sum;
}

static bool png_holds(int fd, uint64_t size, uint64_t seed)
{
    uint64_t at = 8;
    size_t checked = 0;
    for (unsigned i = 0; i < PNG_CHUNKS; i++) {
        uint8_t head[8];
        if (unlocked_read(fd, head, 8, at) != 8)
            return false;
        uint32_t length = big32(head);
        if (length > size || at + 12 + length > size)
            return false;
        for (int c = 4; c < 8; c++)
            if (!((head[c] >= 'A' && head[c] <= 'Z') || (head[c] >= 'a' && head[c] <= 'z')))
                return false;
        /* the first, and then by chance: all of a small picture, some of a large one */
        bool look = checked < PNG_CHECKED && length <= 65536 && (i < 32 || (seed >> (i % 61) & 1));
        if (look && !png_chunk_is_whole(fd, at, length))
            return false;
        checked += look;
        at += 12 + (uint64_t)length;
        if (memcmp(head + 4, "IEND", 4) == 0)
            return true;
    }
    return true; /* as far as was looked */
}

/* ---- JPEG: after 0xff only some bytes may stand (ITU T.81, B.1.1.2 and B.1.1.5) ---------------
 * */

static bool jpeg_marker_is_known(uint8_t c)
{
    return c == 0 || c == 0x01 || c == 0xff || (c >= 0xc0 && c <= 0xfe);
}

/* Within scans: stuffed zeros, restarts, and the few segments between the scans of one picture. */
static bool jpeg_may_follow(uint8_t c)
{
    return c == 0 || c == 0xff || (c >= 0xd0 && c <= 0xda) || c == 0xc4 || c == 0xdb || c == 0xdd ||
           c == 0xfe || (c >= 0xe0 && c <= 0xef);
}

/* Where the first scan's data begin, or 0. */
static uint64_t jpeg_scan(int fd, uint64_t size)
{
    uint64_t at = 2;
    for (unsigned i = 0; i < JPEG_MARKERS && at + 4 <= size; i++) {
        uint8_t head[4];
        if (unlocked_read(fd, head, 4, at) != 4 || head[0] != 0xff ||
            !jpeg_marker_is_known(head[1]))
            return 0;
        if (head[1] == 0xff) { /* filling */
            at++;
            continue;
        }
        uint64_t length = (uint64_t)head[2] << 8 | head[3];
        if (length < 2)
            return 0;
        at += 2 + length;
        if (head[1] == 0xda)
            return at;
    }
    return 0;
}

static bool jpeg_holds(int fd, uint64_t size, uint64_t seed)
{
    uint64_t scan = jpeg_scan(fd, size);
    if (scan == 0 || scan >= size)
        return false;
    struct hash_key key = {seed, size};
    for (uint64_t i = 0; i < JPEG_WINDOWS; i++) {
        uint8_t bytes[WINDOW];
        uint64_t room = size - scan;
        uint64_t at = scan;
        if (room > WINDOW * JPEG_WINDOWS)
            at += i == 0 ? 0 : siphash_words3(key, i, 1, 2) % (room - WINDOW);
        else
            at += i * WINDOW;
        if (at >= size)
            break;
        long got = unlocked_read(fd, bytes, sizeof bytes, at);
        unsigned wrong = 0;
        for (long k = 0; k + 1 < got; k++)
            wrong += bytes[k] == 0xff && !jpeg_may_follow(bytes[k + 1]);
        if (got < 0 || wrong >= 4) /* noise has 13 in a window */
            return false;
    }
    return true;
}

/* ---- gzip: its beginning unpacks ------------------------------------------------------------- */

/* Unpacks from `at` as zlib's window bits say, for as much as `out` holds; what came out, or -1
 * when it does not unpack. What is only cut off counts as good. */
static long unpacks(int fd, uint64_t at, int window_bits, uint8_t *out, size_t room)
{
    z_stream stream = {.next_out = out, .avail_out = (uInt)room};
    if (inflateInit2(&stream, window_bits) != Z_OK)
        return -1;
    uint8_t bytes[WINDOW];
    int status = Z_OK;
    while (status == Z_OK && stream.avail_out) {
        long got = unlocked_read(fd, bytes, sizeof bytes, at);
        if (got < 0) {
            status = Z_DATA_ERROR;
            break;
        }
        if (got == 0)
            break;
        at += (uint64_t)got;
        stream.next_in = bytes;
        stream.avail_in = (uInt)got;
        status = inflate(&stream, Z_NO_FLUSH);
    }
    size_t came = room - stream.avail_out;
    inflateEnd(&stream);
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR ? (long)came : -1;
}

enum {
    UNPACKED = 65536,
    UNPACKED_MOST = 2 << 20,
    GZIP_BITS = 15 + 16,
    RAW_BITS = -15,
    ZLIB_BITS = 15
};

/* Whether what is packed there unpacks, for as far as `most` bytes of what comes out. */
static bool unpacks_well(int fd, uint64_t at, int window_bits, size_t most)
{
    uint8_t bytes[WINDOW], out[UNPACKED];
    z_stream stream = {.next_in = bytes};
    if (inflateInit2(&stream, window_bits) != Z_OK)
        return false;
    int status = Z_OK;
    while (status == Z_OK && stream.total_out < most) {
        if (stream.avail_in == 0) {
            long got = unlocked_read(fd, bytes, sizeof bytes, at);
            if (got <= 0)
                break;
            at += (uint64_t)got;
            stream.next_in = bytes;
            stream.avail_in = (uInt)got;
        }
        stream.next_out = out;
        stream.avail_out = sizeof out;
        status = inflate(&stream, Z_NO_FLUSH);
    }
    inflateEnd(&stream);
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

static bool gzip_holds(int fd)
{
    return unpacks_well(fd, 0, GZIP_BITS, UNPACKED_MOST);
}

/* ---- PDF: it ends as it must, and what it points to is there (ISO 32000-1, 7.5) ---------------
 * */

static bool digits_at(const uint8_t *p, const uint8_t *end, uint64_t *value)
{
    while (p < end && (*p == ' ' || *p == '\r' || *p == '\n'))
        p++;
    const uint8_t *first = p;
    for (*value = 0; p < end && *p >= '0' && *p <= '9' && p - first < 12; p++)
        *value = *value * 10 + (uint64_t)(*p - '0');
    return p > first;
}

static const uint8_t *find_last(const uint8_t *bytes, size_t length, const char *word)
{
    const uint8_t *found = NULL;
    for (const uint8_t *p = bytes;
         (p = memmem(p, length - (size_t)(p - bytes), word, strlen(word))) != NULL; p++)
        found = p;
    return found;
}

/* Of the first 64 KiB: what says that it is deflated unpacks. */
static bool pdf_streams_unpack(int fd)
{
    uint8_t bytes[UNPACKED];
    long got = unlocked_read(fd, bytes, sizeof bytes, 0);
    const uint8_t *p = bytes, *end = bytes + (got > 0 ? got : 0);
    unsigned looked = 0;
    while (looked < 4 && p < end && (p = memmem(p, (size_t)(end - p), "FlateDecode", 11)) != NULL) {
        p = memmem(p, (size_t)(end - p), "stream", 6);
        if (p == NULL || end - p < 16)
            break;
        p += 6;
        p += *p == '\r';
        p += *p == '\n';
        if (!unpacks_well(fd, (uint64_t)(p - bytes), ZLIB_BITS, UNPACKED_MOST / 4))
            return false;
        looked++;
    }
    return true;
}

static bool pdf_holds(int fd, uint64_t size)
{
    uint8_t tail[2048];
    size_t take = size < sizeof tail ? (size_t)size : sizeof tail;
    if (unlocked_read(fd, tail, take, size - take) != (long)take)
        return false;
    const uint8_t *start = find_last(tail, take, "startxref");
    uint64_t at;
    if (!start || !memmem(tail, take, "%%EOF", 5) || !digits_at(start + 9, tail + take, &at) ||
        at >= size)
        return false;
    uint8_t there[64];
    long got = unlocked_read(fd, there, sizeof there, at);
    if (got < 8)
        return false;
    bool table = memmem(there, 8, "xref", 4) != NULL;
    bool stream = memmem(there, (size_t)got, "obj", 3) != NULL;
    return (table || stream) && pdf_streams_unpack(fd);
}

/* ---- All ------------------------------------------------------------------------------------- */

bool filetype_holds(enum filetype type, int fd, uint64_t size, uint64_t seed)
{
    switch (type) {
    case FILETYPE_ZIP:
        return zip_holds(fd, size);
    case FILETYPE_PDF:
        return pdf_holds(fd, size);
    case FILETYPE_PNG:
        return png_holds(fd, size, seed);
    case FILETYPE_JPEG:
        return jpeg_holds(fd, size, seed);
    case FILETYPE_GZIP:
        return gzip_holds(fd);
    default:
        return true;
    }
}

bool filetype_unpacks_to(enum filetype type, int fd, uint64_t size, int old, uint64_t old_size)
{
    uint8_t want[UNPACKED / 2], out[UNPACKED / 2];
    long length = unlocked_read(old, want, sizeof want, 0);
    if (length <= 0 || old_size == 0)
        return false;
    if (type == FILETYPE_GZIP)
        return unpacks(fd, 0, GZIP_BITS, out, (size_t)length) == length &&
               memcmp(out, want, (size_t)length) == 0;
    return type == FILETYPE_ZIP && zip_unpacks_to(fd, size, want, (size_t)length);
}

long structure_inflate(int fd, uint64_t at, uint8_t *out, size_t room)
{
    return unpacks(fd, at, RAW_BITS, out, room);
}
