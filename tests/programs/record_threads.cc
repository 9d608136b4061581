// Threads that free each other's blocks: THREADS of them pass ROUNDS blocks each to the next one
// through a slot; then CHURN threads, one after the other, that free a
// block when they have all but ended. With "close" the
// descriptors are closed first, as a daemon does.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace
{

std::vector<std::atomic<char*>> slots(64);

void pass_on(unsigned self, unsigned threads, int rounds)
{
    std::atomic<char*>& in = slots[self];
    std::atomic<char*>& out = slots[(self + 1) % threads];
    for (int i = 0; i < rounds; ++i) {
        char* const made = new char[16 + (i * 7 + self) % 200];
        made[0] = 'x';
        delete[] out.exchange(made);
        delete[] in.exchange(nullptr);
    }
}

} // namespace

int main(int argc, char** argv)
{
    const unsigned threads = static_cast<unsigned>(std::atoi(argv[1]));
    const int rounds = std::atoi(argv[2]);
    const int churn = std::atoi(argv[3]);
    if (argc > 4 && std::strcmp(argv[4], "close") == 0) {
        for (int descriptor = 0; descriptor < 1024; ++descriptor) {
            close(descriptor);
        }
    }
    std::vector<std::thread> running;
    for (unsigned i = 0; i < threads; ++i) {
        running.emplace_back(pass_on, i, threads, rounds);
    }
    for (std::thread& thread : running) {
        thread.join();
    }
    for (std::atomic<char*>& slot : slots) {
        delete[] slot.exchange(nullptr);
    }
    pthread_key_t late; // Its destructor runs after the recorder's, whose key is older.
    pthread_key_create(&late, std::free);
    for (int i = 0; i < churn; ++i) {
        std::thread([late] {
            ::operator delete(::operator new(4));
            pthread_setspecific(late, std::malloc(5));
        }).join();
    }
    return 0;
}
