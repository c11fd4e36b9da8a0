#include "files/entropy.h"

#include "base/base.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { TABLE = 4097 };

/* n log2 n, since every count of a 4 KiB chunk is at most 4096. */
static float table[TABLE];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
    for (int n = 2; n < TABLE; n++)
        table[n] = (float)(n * log2(n));
}

static double weight(uint32_t count)
{
    return count < TABLE ? (double)table[count] : count * log2(count);
}

unsigned entropy_of(const uint8_t *bytes, size_t length)
{
    must(length <= ENTROPY_MOST);
    if (length == 0)
        return 0;
    pthread_once(&table_once, table_fill);
    uint32_t count[4][256] = {{0}}; /* four, so that runs of one byte do not wait for themselves */
    size_t i = 0;
    for (; i + 4 <= length; i += 4)
        for (size_t k = 0; k < 4; k++)
            count[k][bytes[i + k]]++;
    for (; i < length; i++)
        count[0][bytes[i]]++;
    double sum = 0;
    for (int c = 0; c < 256; c++)
        sum += weight(count[0][c] + count[1][c] + count[2][c] + count[3][c]);
    double bits = log2((double)length) - sum / (double)length;
    return bits <= 0 ? 0 : (unsigned)(bits * 1000 + 0.5);
}

unsigned entropy_of_noise(size_t length)
{
    static const struct {
        size_t length;
        unsigned bits;
    } points[] = {{4096, 7954}, {2048, 7908}, {1024, 7808}, {512, 7592}, {256, 7174},
                  {128, 6550},  {64, 5770},   {32, 4890},   {16, 3950}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        if (length >= points[i].length)
            return points[i].bits;
    return 8000; /* too short to look like noise */
}
