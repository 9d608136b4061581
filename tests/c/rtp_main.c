/* Runs the suites of the RTP receiver. They are a program of their own, so that they compile
 * alone. */
#include "rtp_fixture.h"

int main(void)
{
    /* The longest come last: a mutant ends with the first test that fails. */
    suite_rtp();
    suite_rtp_receiver();
    suite_rtp_vector();
    suite_rtp_slots();
    suite_rtp_random();
    return check_finish();
}
