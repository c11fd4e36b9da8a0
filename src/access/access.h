/* access.h: who may see and do what at the desk.
 *
 * totp.h       one-time passwords (RFC 6238)
 * operator.h   the operators: passwords, second factors, roles; one file, replaced whole
 * session.h    who is signed in: short, bound, in memory only
 *
 * Roles    see (read everything), release (and undo holds, panic), administer (and contracts,
 * operators). Secrets  the operators' file is 0600 of the desk's user; passwords are Argon2id
 * (libsodium), never kept; one-time secrets are in it as they are, since they must be read to be
 * checked. Nothing of it is ever logged.
 */
#ifndef ECLUSE_ACCESS_H
#define ECLUSE_ACCESS_H

#include "access/operator.h"
#include "access/session.h"
#include "access/totp.h"

#endif
