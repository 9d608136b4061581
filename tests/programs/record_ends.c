/* How a process ends, or becomes another: the first argument says. It allocates 3001 bytes first.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void* volatile sink;

static int wait_for(pid_t child)
{
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static void* churn(void* unused)
{
    for (;;) {
        sink = malloc(64);
        free(sink);
    }
    return unused;
}

/* Children are forked while another thread allocates; each has a file and its own events. */
static int fork_often(int threads, int forks)
{
    pthread_t thread;
    for (int i = 0; i < threads; ++i) {
        if (pthread_create(&thread, NULL, churn, NULL) != 0) {
            return 98;
        }
    }
    for (int i = 0; i < forks; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            sink = malloc(4000 + (size_t)i);
            _exit(0);
        }
        if (wait_for(child) != 0) {
            return 97;
        }
    }
    return 0;
}

static void on_interrupt(int number)
{
    (void)number;
    _exit(7);
}

int main(int argc, char** argv)
{
    const char* const how = argc > 1 ? argv[1] : "";
    sink = malloc(3001);
    if (strcmp(how, "_exit") == 0) {
        _exit(5);
    }
    if (strcmp(how, "kill") == 0) {
        raise(SIGKILL);
    }
    if (strcmp(how, "fork") == 0) {
        return fork_often(0, 3);
    }
    if (strcmp(how, "threads") == 0) {
        _exit(fork_often(1, 20));
    }
    if (strcmp(how, "exec") == 0) {
        return execl("/proc/self/exe", argv[0], "_exit", (char*)NULL);
    }
    if (strcmp(how, "interrupt") == 0) {
        signal(SIGINT, on_interrupt);
        printf("ready\n");
        fflush(stdout);
        for (;;) {
            pause();
        }
    }
    if (strcmp(how, "many") == 0) {
        for (int i = 0; i < 100000; ++i) {
            free(sink);
            sink = malloc(40);
        }
    }
    free(sink);
    return 0;
}
