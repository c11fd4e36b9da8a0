/* What a power cut may leave of the rings.
 *
 * The kernel writes pages back in any order, so each page of the file may be of another moment
 * since the last sync. Every word is valid by itself; what cannot be trusted is that a key and the
 * ring it names, which lie on different pages, belong together. A ring that is not sound was given
 * to its principal after the last sync, and is dropped with what it held: less than a second's
 * charges. Whoever was filling a place is gone with its boot.
 */
#include "budget/file.h"
#include "budget/ring.h"

static void ring_wipe(struct ring *ring)
{
    for (word_t *word = &ring->expires; word < &ring->spare_count[0]; word++)
        atomic_store_explicit(word, 0, memory_order_relaxed);
}

static void cells_recover(struct cell *cell, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (atomic_load(&cell[i].key) & KEY_REAL)
            continue;
        atomic_store(&cell[i].word, 0);
        atomic_store(&cell[i].key, 0);
    }
}

void rings_recover(uint8_t *data, const struct file_header *header)
{
    word_t *key = file_section(data, header, SECTION_RING_KEYS);
    struct ring *ring = file_section(data, header, SECTION_RINGS);
    for (size_t i = 0; i < header->section[SECTION_RINGS].count; i++) {
        uint64_t named = atomic_load(&key[i]);
        if (named & KEY_REAL && ring_is_sound(&ring[i], named))
            continue;
        ring_wipe(&ring[i]);
        atomic_store(&key[i], 0);
    }
    struct budget_slot *slot = file_section(data, header, SECTION_SLOTS);
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        if (!(atomic_load(&slot[i].key) & KEY_REAL))
            atomic_store(&slot[i].key, 0);
    struct crowd *crowd = file_section(data, header, SECTION_CROWDS);
    for (unsigned i = 0; i < CROWD_COUNT; i++)
        for (unsigned k = 0; k < CROWD_SIZE; k++)
            if (!(atomic_load(&crowd[i].contributor[k].key) & KEY_REAL))
                atomic_store(&crowd[i].contributor[k].key, 0);
    cells_recover(file_section(data, header, SECTION_THINGS),
                  header->section[SECTION_THINGS].count);
}
