/// @file suites.h
/// The suites that suite_main.c can run. Each is a file test_<name>.c.
#ifndef SUITES_H
#define SUITES_H

void suite_tier(void);
void suite_tier_locate(void);
void suite_tier_check(void);
void suite_pool(void);
void suite_pool_low_water(void);
void suite_pool_stats(void);
void suite_pool_random(void);
void suite_pool_config(void);
void suite_pool_memory(void);
void suite_pool_misuse(void);
void suite_pool_guard(void);
void suite_pool_observe(void);
void suite_pool_shaken(void);
void suite_pool_threads(void);
void suite_pool_races(void);
void suite_pool_relay(void);
void suite_preset(void);
void suite_status(void);

#endif
