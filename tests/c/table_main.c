/* Runs the suites of the table. They are a program of their own, so that they compile alone. */
#include "table_fixture.h"

int main(void)
{
    /* The longest come last: a mutant ends with the first test that fails. */
    suite_table();
    suite_table_config();
    suite_table_check();
    suite_table_each();
    suite_table_index();
    suite_table_random();
    return check_finish();
}
