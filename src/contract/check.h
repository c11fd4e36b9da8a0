#ifndef ECLUSE_CHECK_H
#define ECLUSE_CHECK_H

#include "contract/read.h"

void check_contract(struct reading *r);

#endif
