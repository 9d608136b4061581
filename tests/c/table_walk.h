/// @file table_walk.h
/// Random operations on a table side by side with an array in the order of insertion, searched
/// from its start.
#ifndef TABLE_WALK_H
#define TABLE_WALK_H

#include "table_fixture.h"

/// Walk for so many operations through a new table, and add what it counted to `met`.
///
/// @param is_checked  Verify the invariants after each operation.
void table_walk(rns_table_policy_t policy, uint32_t capacity, uint64_t seed, uint32_t operations,
                bool is_checked, rns_table_stats_t* met);

#endif
