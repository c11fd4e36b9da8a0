/* problem.h: collects every mistake of a file, and gives them back in the file's order. */
#ifndef ECLUSE_PROBLEM_H
#define ECLUSE_PROBLEM_H

#include "contract/contract.h"

/* More than this many are not read by anyone; the last one then says that there are more. */
enum { PROBLEMS_MOST = 500 };

__attribute__((format(printf, 4, 5))) void problem_add(struct problems *problems, uint32_t line,
                                                       uint32_t column, const char *format, ...);

/* By line, then column, then as they were found. */
void problems_sort(struct problems *problems);

#endif
