/* Runs the suites of packets and transport. They are a program of their own. */
#include "node_fixture.h"

int main(void)
{
    suite_packet();
    suite_packet_rewrite();
    suite_transport();
    suite_transport_send();
    suite_transport_state();
    suite_transport_announce();
    suite_transport_link();
    suite_transport_full();
    suite_transport_random();
    suite_transport_fault();
    return check_finish();
}
