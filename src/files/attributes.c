#include "files/attributes.h"

#include <errno.h>
#include <sys/xattr.h>

enum { NAMES = 8192, VALUE = 65536 };

/* Each: the name's length (2 bytes), the value's (4), name, value. */
struct part {
    uint16_t name_length;
    uint32_t value_length;
} __attribute__((packed));

size_t attributes_read(int fd, char *out, size_t room, unsigned *missing)
{
    char names[NAMES];
    ssize_t listed = flistxattr(fd, names, sizeof names);
    if (listed <= 0) {
        *missing += listed < 0 && errno == ERANGE;
        return 0;
    }
    size_t length = 0;
    for (const char *name = names; name < names + listed; name += strlen(name) + 1) {
        size_t name_length = strlen(name);
        if (room - length < sizeof(struct part) + name_length) {
            (*missing)++;
            continue;
        }
        char *value = out + length + sizeof(struct part) + name_length;
        ssize_t got = fgetxattr(fd, name, value, room - (size_t)(value - out));
        if (got < 0) {
            *missing += errno != ENODATA;
            continue;
        }
        struct part part = {(uint16_t)name_length, (uint32_t)got};
        memcpy(out + length, &part, sizeof part);
        memcpy(out + length + sizeof part, name, name_length);
        length += sizeof part + name_length + (size_t)got;
    }
    return length;
}

static bool next_part(struct text *left, struct text *name, struct text *value)
{
    struct part part;
    if (left->length < sizeof part)
        return false;
    memcpy(&part, left->data, sizeof part);
    if (left->length - sizeof part < (size_t)part.name_length + part.value_length)
        return false;
    *name = (struct text){left->data + sizeof part, part.name_length};
    *value = (struct text){name->data + name->length, part.value_length};
    left->data = value->data + value->length;
    left->length -= sizeof part + name->length + value->length;
    return true;
}

static bool is_among(struct text attributes, const char *wanted)
{
    struct text name, value;
    while (next_part(&attributes, &name, &value))
        if (text_is(name, wanted))
            return true;
    return false;
}

unsigned attributes_write(int fd, struct text attributes)
{
    char names[NAMES];
    unsigned failed = 0;
    ssize_t listed = flistxattr(fd, names, sizeof names);
    for (const char *name = names; listed > 0 && name < names + listed; name += strlen(name) + 1)
        if (!is_among(attributes, name))
            failed += fremovexattr(fd, name) != 0 && errno != ENODATA;
    struct text name, value;
    while (next_part(&attributes, &name, &value)) {
        char text[256];
        if (name.length >= sizeof text) {
            failed++;
            continue;
        }
        memcpy(text, name.data, name.length);
        text[name.length] = 0;
        failed += fsetxattr(fd, text, value.data, value.length, 0) != 0;
    }
    return failed;
}
