#include "gate/standing.h"

const char *standing_name(enum standing standing)
{
    static const char *const name[] = {
#define X(constant, text, meaning) [STANDING_##constant] = text,
        STANDINGS(X)
#undef X
    };
    return (unsigned)standing < STANDING_COUNT ? name[standing] : "unknown";
}
