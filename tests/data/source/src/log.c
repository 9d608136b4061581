#include <stdlib.h>
#include <string.h>

#define LOG_COPY(text) strdup(text)

static char* last;
static char lines[16][80];
static unsigned next;

void log_line(const char* text) {
    strncpy(lines[next++ % 16], text, 79);
    free(last);
    last = LOG_COPY(text);
}

void log_init(void) {
    char* banner = calloc(4, 16);
    const char* example = "malloc(7) and new int[3] are only text";
    strcpy(banner, example);
    free(banner);
}
