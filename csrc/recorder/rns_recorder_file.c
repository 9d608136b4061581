// For fallocate. NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#define _GNU_SOURCE
#include "rns_recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 100000u // Of one process number: exec and exec again.

int64_t rns_recorder_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Plain system calls, which cancel no thread and are allowed in a child of fork. */

static int open_file(const char* path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

/// Make a piece of the file exist on disk, and map it. Return NULL and set errno if it cannot be.
static void* map_piece(int file, uint64_t offset, size_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && offset + bytes > limit.rlim_cur) {
        errno = EFBIG; // To try would kill the program with SIGXFSZ.
        return NULL;
    }
    // A piece that is only a hole would kill it with SIGBUS once the disk is full.
    if (syscall(SYS_fallocate, file, 0, (off_t)offset, (off_t)bytes) != 0) {
        static const char zeros[RNS_RECORD_PAGE_BYTES];
        if (errno != EOPNOTSUPP && errno != ENOSYS) {
            return NULL;
        }
        for (size_t done = 0; done < bytes; done += sizeof zeros) {
            if (pwrite(file, zeros, sizeof zeros, (off_t)(offset + done)) !=
                (ssize_t)sizeof zeros) {
                return NULL;
            }
        }
    }
    void* const piece =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, (off_t)offset);
    return piece == MAP_FAILED ? NULL : piece;
}

/// Read up to `capacity` - 1 bytes of a file of /proc; the text ends in NUL. Return its length.
static size_t read_text(const char* path, char* text, size_t capacity)
{
    size_t bytes = 0;
    const int file = open_file(path, O_RDONLY);
    if (file >= 0) {
        const long got = syscall(SYS_read, file, text, capacity - 1);
        bytes = got > 0 ? (size_t)got : 0;
        (void)syscall(SYS_close, file);
    }
    text[bytes] = '\0';
    return bytes;
}

static char* put_text(char* next, const char* end, const char* text)
{
    while (*text != '\0' && next < end - 1) {
        *next++ = *text++;
    }
    *next = '\0';
    return next;
}

static char* put_decimal(char* next, const char* end, uint32_t number)
{
    char digits[11];
    char* first = &digits[sizeof digits - 1];
    *first = '\0';
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return put_text(next, end, first);
}

/// Make the file; return it open, and its name in `path`.
static int create_file(const char* folder, uint32_t pid, char* path, uint32_t* started_count)
{
    const char* const end = path + RNS_RECORDER_PATH_CHARS;
    for (uint32_t i = 0; i < FILES_MAX; ++i) {
        char* next = put_text(path, end, folder);
        next = put_text(next, end, "/");
        next = put_decimal(next, end, pid);
        next = put_text(next, end, ".");
        next = put_decimal(next, end, i);
        (void)put_text(next, end, ".raw");
        const int file = open_file(path, O_RDWR | O_CREAT | O_EXCL);
        if (file >= 0 || errno != EEXIST) {
            *started_count = i;
            return file;
        }
    }
    return -1;
}

static void describe_process(rns_record_file_t* file)
{
    const ssize_t got = readlink("/proc/self/exe", file->program, sizeof file->program - 1);
    file->program[got > 0 ? got : 0] = '\0';
    const size_t bytes = read_text("/proc/self/cmdline", file->command, sizeof file->command);
    for (size_t i = 0; i + 1 < bytes; ++i) {
        file->command[i] = (char)(file->command[i] == '\0' ? ' ' : file->command[i]);
    }
}

rns_record_file_t* rns_recorder_make_file(const char* folder, uint32_t depth, char* path)
{
    uint32_t started_count = 0;
    const uint32_t pid = (uint32_t)getpid();
    const int fd = create_file(folder, pid, path, &started_count);
    rns_record_file_t* const file = fd < 0 ? NULL : map_piece(fd, 0, RNS_RECORD_PAGE_BYTES);
    if (fd >= 0) {
        (void)syscall(SYS_close, fd);
    }
    if (file != NULL) {
        file->depth = depth;
        file->pid = pid;
        file->parent_pid = (uint32_t)getppid();
        file->started_count = started_count;
        file->start_ns = rns_recorder_now_ns();
        atomic_store(&file->file_bytes, RNS_RECORD_PAGE_BYTES);
        describe_process(file);
        atomic_signal_fence(memory_order_release);
        file->magic = RNS_RECORD_MAGIC;
    }
    return file;
}

rns_record_chunk_t* rns_recorder_make_chunk(rns_record_file_t* file, const char* path)
{
    // Opened by name each time: a descriptor kept open might be closed by the program, and its
    // number then stand for one of the program's own files.
    const int fd = open_file(path, O_RDWR);
    if (fd < 0) {
        return NULL;
    }
    const uint64_t offset = atomic_fetch_add(&file->file_bytes, RNS_RECORD_CHUNK_BYTES);
    rns_record_chunk_t* const chunk = map_piece(fd, offset, RNS_RECORD_CHUNK_BYTES);
    const int error = errno;
    (void)syscall(SYS_close, fd);
    errno = error;
    if (chunk != NULL) {
        *chunk = (rns_record_chunk_t){.used_bytes = sizeof *chunk, .thread = UINT32_MAX};
    }
    return chunk;
}
