/* One tier: the word that decides, its statistics, and processes that take and give.
 *
 * A second account of csrc/core/rns_tier_inline.h, written apart from it: each step of `worker` is
 * one atomic operation there. jobs/model.py holds the two together: with TRACE, each step that can
 * be taken is printed, and they have to be those that tests/c/explore_steps_main.c finds.
 *
 * PROCESSES, CYCLES, SLOTS: how many. CONTESTED: slot 0 is in use, and each process gives it first.
 * PLANT_COUNT: slots in use are counted apart from the bitmap. PLANT_STORE: a take stores what it
 * should compare and swap. PLANT_TEST: a give looks and then sets the bit, apart.
 */
#ifndef PROCESSES
#define PROCESSES 3
#define CYCLES 2
#define SLOTS 2
#endif
#ifdef CONTESTED
#define TAKEN 1
#else
#define TAKEN 0
#endif
#define ALL ((1 << SLOTS) - 1)
#define NOTHING 255

/* What a process does next. */
#define BEGIN 0
#define LOAD_GATE 1
#define CAS_GATE 2
#define LOAD_WINDOW 3
#define LOAD_LEAST 4
#define CAS_LEAST 5
#define CAS_WINDOW 6
#define OWN 7
#define COUNT 8
#define DONE 9

/* The gate is three numbers that change together. */
byte free_bits = ALL - TAKEN;
byte free_count = SLOTS - TAKEN;
byte takes = TAKEN;
byte least_free = SLOTS - TAKEN;
byte window_least_free = SLOTS - TAKEN;
byte next[PROCESSES];

/* What is true, to compare with. */
bool is_owned[SLOTS];
byte free_now = SLOTS - TAKEN;
byte free_least = SLOTS - TAKEN;
byte contest_wins;
byte done_count;

#ifdef TRACE
#define STATE free_bits, free_count, takes, least_free, window_least_free
#if PROCESSES == 2
#define NEXT next[0], next[1], DONE
#else
#define NEXT next[0], next[1], next[2]
#endif
#define SHOW printf(" %d %d %d %d %d %d %d %d", STATE, NEXT)
#define STEP(what) d_step { next[me] == what -> printf("step %d", me); SHOW;
#define END SHOW; printf("\n") }
#else
#define STEP(what) d_step { next[me] == what ->
#define END skip }
#endif

/* Go on with the next call: 0 gives the contested slot, odd ones take, even ones give. */
inline begin_call() {
    seen_bits = 0; seen_count = 0; seen_takes = 0; seen = 0; value = 0; is_noting = false;
    call++;
    if
    :: call % 2 == 0 && slot == NOTHING -> call++
    :: else
    fi;
    if
    :: call > 2 * CYCLES ->
        next[me] = DONE;
        done_count++;
        if
        :: done_count == PROCESSES ->
            assert(free_bits == ALL && free_count == SLOTS);
            assert(least_free == free_least);
            assert(window_least_free == free_least);
#ifdef CONTESTED
            assert(contest_wins == 1 || CYCLES > 0);
#endif
        :: else
        fi
    :: else ->
        next[me] = (call % 2 == 1 -> LOAD_GATE : OWN)
    fi
}

/* A gate was seen: try to change it, or give up. */
inline decide() {
    if
    :: call % 2 == 1 && seen_count == 0 -> begin_call()
    :: call % 2 == 0 && (seen_bits & (1 << slot)) -> slot = NOTHING; begin_call()
    :: else -> next[me] = CAS_GATE
    fi
}

inline see_gate() {
    seen_bits = free_bits; seen_count = free_count; seen_takes = takes;
    decide()
}

/* The lowest bit of what was seen becomes this process's slot. */
inline take_slot() {
    slot = 0;
    do
    :: (seen_bits & (1 << slot)) == 0 -> slot++
    :: else -> break
    od;
    assert(!is_owned[slot]);
    is_owned[slot] = true;
    free_now--;
    if
    :: free_now < free_least -> free_least = free_now
    :: else
    fi
}

inline lower_least() {
    if
    :: seen > value -> next[me] = CAS_LEAST
    :: else -> next[me] = LOAD_WINDOW
    fi
}

inline lower_window() {
    if
    :: seen > value -> next[me] = CAS_WINDOW
    :: else -> begin_call()
    fi
}

proctype worker(byte me) {
    byte call, seen_bits, seen_count, seen_takes, seen, value;
    byte slot = NOTHING;
    bool is_noting; /* tells the two loads of the window's record apart */
    do
    :: STEP(BEGIN)
#ifdef CONTESTED
        slot = 0;
        next[me] = LOAD_GATE;
#else
        begin_call();
#endif
        END
    :: STEP(OWN)
        is_owned[slot] = false;
        next[me] = LOAD_GATE;
        END
    :: STEP(LOAD_GATE)
        see_gate();
        END
    :: STEP(CAS_GATE)
        if
#ifdef PLANT_STORE
        :: call % 2 == 1 ->
#else
        :: call % 2 == 1 && free_bits == seen_bits && free_count == seen_count && takes == seen_takes ->
#endif
            take_slot();
            free_bits = seen_bits & ~(1 << slot);
            takes = seen_takes + 1;
#ifdef PLANT_COUNT
            next[me] = COUNT;
#else
            free_count = seen_count - 1;
            value = free_count;
            next[me] = LOAD_WINDOW;
#endif
#ifdef PLANT_TEST
        :: call % 2 == 0 ->
            free_bits = free_bits | (1 << slot);
            free_count++;
#else
        :: call % 2 == 0 && free_bits == seen_bits && free_count == seen_count && takes == seen_takes ->
            free_bits = seen_bits | (1 << slot);
            free_count = seen_count + 1;
#endif
            free_now++;
            contest_wins = contest_wins + (call == 0);
            slot = NOTHING;
            begin_call()
        :: else ->
            see_gate()
        fi;
        assert(free_count <= SLOTS && takes >= SLOTS - free_count);
        END
#ifdef PLANT_COUNT
    :: STEP(COUNT)
        free_count--;
        value = free_count;
        next[me] = LOAD_WINDOW;
        END
#endif
    :: STEP(LOAD_WINDOW)
        seen = window_least_free;
        if
        :: is_noting -> lower_window()
        :: !is_noting && value < seen -> is_noting = true; next[me] = LOAD_LEAST
        :: else -> begin_call()
        fi;
        END
    :: STEP(LOAD_LEAST)
        seen = least_free;
        lower_least();
        END
    :: STEP(CAS_LEAST)
        if
        :: least_free == seen -> least_free = value; next[me] = LOAD_WINDOW
        :: else -> seen = least_free; lower_least()
        fi;
        END
    :: STEP(CAS_WINDOW)
        if
        :: window_least_free == seen -> window_least_free = value; begin_call()
        :: else -> seen = window_least_free; lower_window()
        fi;
        assert(least_free <= window_least_free);
        END
    :: next[me] == DONE -> break
    od
}

init {
    atomic {
        byte me = 0;
        do
        :: me < PROCESSES -> run worker(me); me++
        :: else -> break
        od
    }
}
