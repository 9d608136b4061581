/* Runs the suites of the RTP receiver. They are a program of their own, so that they compile
 * alone. */
#include "rtp_fixture.h"

int main(void)
{
    suite_rtp();
    suite_rtp_receiver();
    suite_rtp_slots();
    suite_rtp_random();
    suite_rtp_vector();
    return check_finish();
}
