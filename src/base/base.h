/* base.h: what every room stands on, and nothing of the domain.
 *
 * clock.h   the only place where a clock is read; everywhere else time is an argument
 * must.h    assertions for our own mistakes, on in release builds; never for input
 * log.h     one line to standard error, for people and for journald
 * error.h   what went wrong, as text that a person can act on
 * hash.h    SipHash for keys that attackers choose, a checksum for what disks damage
 * secret_file.h  a small file that few may read, replaced whole
 * shared_file.h  a file of a fixed size that several processes map
 * text.h    strings from outside (pointer, length), and a bounded writer
 * utf8.h    whether such text may be shown
 *
 * Nothing here allocates, except where a header says so.
 */
#ifndef ECLUSE_BASE_H
#define ECLUSE_BASE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/must.h"
#include "base/secret_file.h"
#include "base/shared_file.h"
#include "base/text.h"
#include "base/utf8.h"

#endif
