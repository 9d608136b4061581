/* The functions whose bodies are in the headers, exported: for callers that load the library or
 * are not written in C. C11's own way, `inline` there and `extern inline` here, would forbid them
 * to call static functions, such as the lock that a target supplies. */
#define RNS_INLINE extern inline

#ifdef __clang__ /* takes these for such; they are external definitions */
#    pragma clang diagnostic ignored "-Wstatic-in-inline"
#endif

#include "rns_bytes.h"
