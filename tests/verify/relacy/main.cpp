// The core under Relacy: what threads may see of each other's memory in the model of C11.
//
// Usage: main SUITE full | bound SWITCHES | random EXECUTIONS
#include <cstring>

#include <relacy/relacy.hpp>

#include "cells.h"
#include "world.h"

namespace
{

const unsigned CELLS = 101;

/// The objects of Relacy of one run.
struct memory_t {
    const volatile void* addresses[CELLS] = {};
    rl::atomic<uint64_t> cells[CELLS]; ///< By a hash of the address.
    unsigned cell_count = 0;
    rl::var<unsigned> contents[WORLD_SLOTS]; ///< Of the slots: they stand for what users write.
};

memory_t* memory;
bool is_beginning;

/// Return what stands for a cell. Relacy has a new and delete of its own, so a map would not do.
rl::atomic<uint64_t>& find(const volatile void* cell, uint64_t initial)
{
    unsigned place = static_cast<unsigned>(reinterpret_cast<uintptr_t>(cell) / 4 % CELLS);
    while (memory->addresses[place] != nullptr && memory->addresses[place] != cell) {
        place = (place + 1) % CELLS;
    }
    if (memory->addresses[place] == nullptr) {
        ++memory->cell_count;
        // At another time, the other threads would not know the value.
        RL_ASSERT(is_beginning && memory->cell_count < CELLS);
        memory->addresses[place] = cell;
        memory->cells[place].store(initial, rl::mo_relaxed, $);
    }
    return memory->cells[place];
}

rl::memory_order order_of(int order)
{
    return order == __ATOMIC_RELAXED ? rl::mo_relaxed : rl::mo_seq_cst;
}

template <typename suite, int threads> struct base_t : rl::test_suite<suite, threads> {
    memory_t here;

    void enter()
    {
        memory = &here;
        is_beginning = true;
        for (auto& content : here.contents) {
            content($) = 0;
        }
    }

    void write(int slot, unsigned value)
    {
        here.contents[slot]($) = value;
    }
    unsigned read(int slot)
    {
        return here.contents[slot]($);
    }

    void after()
    {
        RL_ASSERT(world_is_sound());
    }
};

/// Threads take, write and give.
template <int threads, int cycles, int slots>
struct take_give_t : base_t<take_give_t<threads, cycles, slots>, threads> {
    void before()
    {
        this->enter();
        world_begin(slots);
        is_beginning = false;
    }

    void thread(unsigned index)
    {
        for (int i = 0; i < cycles; ++i) {
            const int slot = world_take();
            if (slot >= 0) {
                this->write(slot, index);
                RL_ASSERT(this->read(slot) == index);
                RL_ASSERT(world_give(slot));
            }
        }
    }
};

/// Threads that have a buffer in common: what each does is a template's argument.
template <typename calls, int threads, int slots>
struct bytes_t : base_t<bytes_t<calls, threads, slots>, threads> {
    void before()
    {
        this->enter();
        world_begin_bytes(slots, threads);
        is_beginning = false;
    }

    void thread(unsigned index)
    {
        calls::run(*this, static_cast<int>(index));
    }
};

/// Read and drop; then another buffer, which may be the same slot.
struct drop_then_make {
    template <typename suite> static void run(suite& self, int thread)
    {
        (void)self.read(world_slot(thread));
        RL_ASSERT(world_drop(thread));
        if (world_make(thread)) {
            self.write(world_slot(thread), 1);
            RL_ASSERT(world_drop(thread));
        }
    }
};

/// Read and drop, and the other writes in place once it is alone.
struct write_if_alone {
    template <typename suite> static void run(suite& self, int thread)
    {
        (void)self.read(world_slot(thread));
        if (world_may_write(thread)) {
            self.write(world_slot(thread), 1);
        }
        RL_ASSERT(world_drop(thread));
    }
};

/// Write, by a copy or in place.
struct write_a_copy {
    template <typename suite> static void run(suite& self, int thread)
    {
        (void)self.read(world_slot(thread));
        if (world_write(thread)) {
            self.write(world_slot(thread), 1);
        }
        RL_ASSERT(world_drop(thread));
    }
};

/// Share and drop, then the same as write_if_alone.
struct share_then_write {
    template <typename suite> static void run(suite& self, int thread)
    {
        RL_ASSERT(world_share(thread));
        write_if_alone::run(self, thread);
    }
};

template <typename suite>
bool simulate(const char* name, const char* chosen, rl::test_params params)
{
    if (std::strcmp(name, chosen) != 0) {
        return false;
    }
    const bool is_good = rl::simulate<suite>(params);
    std::cout << name << ": " << params.stop_iteration << " executions, "
              << (is_good ? "no fault" : rl::test_result_str(params.test_result)) << std::endl;
    std::exit(is_good ? 0 : 1);
}

} // namespace

uint64_t cell_load(const volatile void* cell, uint64_t initial, int order)
{
    return find(cell, initial).load(order_of(order), $);
}

void cell_store(volatile void* cell, uint64_t value, int order)
{
    find(cell, value).store(value, order_of(order), $);
}

uint64_t cell_add(volatile void* cell, uint64_t initial, uint64_t value, int order)
{
    return find(cell, initial).fetch_add(value, order_of(order), $);
}

uint64_t cell_or(volatile void* cell, uint64_t initial, uint64_t bits, int order)
{
    return find(cell, initial).fetch_or(bits, order_of(order), $);
}

uint64_t cell_and(volatile void* cell, uint64_t initial, uint64_t bits, int order)
{
    return find(cell, initial).fetch_and(bits, order_of(order), $);
}

uint64_t cell_exchange(volatile void* cell, uint64_t initial, uint64_t value, int order)
{
    return find(cell, initial).exchange(value, order_of(order), $);
}

bool cell_cas(volatile void* cell, uint64_t* expected, uint64_t desired, int order)
{
    return find(cell, 0).compare_exchange_weak(*expected, desired, order_of(order), $);
}

int main(int argument_count, char** arguments)
{
    if (argument_count < 3) {
        return 2;
    }
    rl::test_params params;
    const char* const mode = arguments[2];
    const unsigned number =
        argument_count > 3 ? static_cast<unsigned>(std::strtoul(arguments[3], nullptr, 10)) : 0;
    params.search_type = std::strcmp(mode, "full") == 0    ? rl::fair_full_search_scheduler_type
                         : std::strcmp(mode, "bound") == 0 ? rl::fair_context_bound_scheduler_type
                                                           : rl::random_scheduler_type;
    params.context_bound = number;
    params.iteration_count = number;
    params.progress_stream = &std::cerr;
    const char* const name = arguments[1];
    simulate<take_give_t<2, 1, 1>>("take-give-2x1", name, params);
    simulate<take_give_t<2, 2, 1>>("take-give-2x2", name, params);
    simulate<take_give_t<3, 3, 2>>("take-give-3x3", name, params);
    simulate<bytes_t<write_if_alone, 2, 1>>("write-if-alone-2", name, params);
    simulate<bytes_t<write_if_alone, 3, 1>>("write-if-alone-3", name, params);
    simulate<bytes_t<drop_then_make, 2, 1>>("drop-then-make-2", name, params);
    simulate<bytes_t<drop_then_make, 3, 2>>("drop-then-make-3", name, params);
    simulate<bytes_t<write_a_copy, 2, 2>>("write-a-copy-2", name, params);
    simulate<bytes_t<write_a_copy, 3, 3>>("write-a-copy-3", name, params);
    simulate<bytes_t<share_then_write, 2, 1>>("share-then-write-2", name, params);
    simulate<bytes_t<share_then_write, 3, 1>>("share-then-write-3", name, params);
    std::cerr << "no suite " << name << std::endl;
    return 2;
}
