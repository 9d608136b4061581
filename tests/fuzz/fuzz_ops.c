/* The interpreter of operations on Bytes beside a model in which each handle has all of its
 * content to itself. */
#include "bytes_model.h"
#include "fuzz.h"
#include "rns_ops.h"

#define HANDLES       6u
#define LENGTH_MAX    700u
#define STORAGE_BYTES ((size_t)16384)

static union {
    unsigned char bytes[STORAGE_BYTES];
    max_align_t aligned;
} storage;

static uint8_t pattern[LENGTH_MAX + RNS_OPS_PATTERN];

typedef struct {
    rns_pool_t pool;
    rns_store_t store;
    rns_meter_t meter;
    rns_replay_bin_t bins[RNS_TIERS_MAX];
    uint64_t oversize;
    rns_meter_cow_t cow;
    rns_bytes_t handle[HANDLES];
} world_t;

static model_t models[HANDLES];

static const int64_t edges_ns[] = {0, 1 << 20};

static void make(world_t* self, fuzz_input_t* input)
{
    rns_tier_config_t tiers[] = {{.slot_bytes = 16}, {.slot_bytes = 64}, {.slot_bytes = 512}};
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; ++i) {
        tiers[i].slot_count = 1u + fuzz_byte(input) % 6u;
    }
    const uint32_t kind = fuzz_byte(input);
    const rns_pool_config_t config = {
        .tiers = tiers,
        .tier_count = 3,
        .policy = kind % 2u == 0 ? RNS_POLICY_STRICT : RNS_POLICY_SPILL,
        .header_bytes = RNS_BUFFER_HEADER_BYTES,
    };
    size_t needed = 0;
    DEMAND(rns_pool_storage_bytes(&config, &needed) == RNS_OK && needed <= sizeof storage);
    const rns_memory_t memory = {storage.bytes, needed};
    DEMAND(rns_pool_init(&self->pool, &config, memory) == RNS_OK);
    const rns_store_options_t options = {.headroom_bytes = kind / 2u % 20u,
                                         .tailroom_bytes = kind / 40u};
    DEMAND(rns_store_init(&self->store, &self->pool, &options) == RNS_OK);
    self->meter = (rns_meter_t){.pool = &self->pool,
                                .store = &self->store,
                                .bin_count = 1,
                                .edges_ns = edges_ns,
                                .bins = self->bins,
                                .oversize = &self->oversize,
                                .cow = &self->cow};
    rns_meter_begin(&self->meter);
}

static rns_op_t read_op(fuzz_input_t* input, int64_t t_ns)
{
    rns_op_t op = {.t_ns = t_ns, .op = fuzz_byte(input) % (uint32_t)RNS_OP_COUNT};
    const uint32_t both = fuzz_byte(input);
    op.handle = both % HANDLES;
    op.other = both / HANDLES % HANDLES;
    op.length = fuzz_pair(input) % LENGTH_MAX;
    op.start = fuzz_byte(input);
    if (op.start == 0xFF) {
        op.start = UINT64_MAX;
    }
    return op;
}

/// Do to the model what an operation did that was served; false if it has to be refused.
static bool follow(const rns_op_t* op)
{
    model_t* const model = &models[op->handle];
    const model_t* const other = &models[op->other];
    const uint32_t start = op->start < other->length ? (uint32_t)op->start : other->length;
    switch ((rns_op_code_t)op->op) {
    case RNS_OP_CREATE:
        model->length = 0;
        model_insert(model, 0, pattern, op->length);
        break;
    case RNS_OP_SHARE:
        *model = *other;
        break;
    case RNS_OP_SLICE:
        model_slice(model, other, start, op->length);
        break;
    case RNS_OP_WRITE:
        if (op->start > model->length || op->length > model->length - op->start) {
            return false;
        }
        memcpy(model->data + op->start, pattern, op->length);
        break;
    case RNS_OP_APPEND:
        model_insert(model, model->length, pattern, op->length);
        break;
    case RNS_OP_PREPEND:
        model_insert(model, 0, pattern, op->length);
        break;
    case RNS_OP_CONCAT:
        model_insert(model, model->length, other->data, other->length);
        break;
    case RNS_OP_DROP:
        model->length = 0;
        break;
    case RNS_OP_COMPACT:
    case RNS_OP_COUNT:
        break;
    }
    return true;
}

/// Leave out what would make content longer than the model holds; it is a miss anyway.
static bool fits(const rns_op_t* op)
{
    const uint32_t more =
        op->op == (uint32_t)RNS_OP_CONCAT ? models[op->other].length : op->length;
    return models[op->handle].length + more <= MODEL_BYTES_MAX;
}

static void step(world_t* self, const rns_op_t* op)
{
    int16_t status = 0;
    rns_ops_t ops = {&self->store, &self->meter, self->handle, pattern, op, &status};
    DEMAND(rns_ops_run(&ops, 0, 1) == RNS_OK);
    if (status == RNS_OK) {
        DEMAND(follow(op));
    } else if (status == RNS_INPUT_RANGE) {
        DEMAND(op->op == (uint32_t)RNS_OP_WRITE && !follow(op));
    } else {
        DEMAND(status == RNS_MISS_EXHAUSTED || status == RNS_MISS_OVERSIZE);
        if (op->op == (uint32_t)RNS_OP_CREATE) {
            models[op->handle].length = 0;
        }
    }
    for (uint32_t i = 0; i < HANDLES; ++i) {
        const uint32_t length = models[i].length;
        DEMAND(self->handle[i].length == length);
        DEMAND(length == 0 ||
               memcmp(rns_bytes_data(&self->handle[i]), models[i].data, length) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    static world_t world;
    memset(&world, 0, sizeof world);
    for (size_t i = 0; i < sizeof pattern; ++i) {
        pattern[i] = (uint8_t)i;
    }
    for (uint32_t i = 0; i < HANDLES; ++i) {
        models[i].length = 0;
    }
    fuzz_input_t input = {data, data + size};
    make(&world, &input);
    for (int64_t t_ns = 1; input.next < input.end && t_ns < edges_ns[1]; ++t_ns) {
        const rns_op_t op = read_op(&input, t_ns);
        if (fits(&op)) {
            step(&world, &op);
        }
    }
    DEMAND(rns_store_check(&world.store).status == RNS_OK);
    rns_ops_t ops = {.store = &world.store, .handles = world.handle};
    rns_ops_end(&ops, HANDLES);
    rns_pool_stats_t stats;
    rns_pool_stats(&world.pool, &stats);
    for (uint32_t i = 0; i < 3; ++i) {
        DEMAND(stats.tiers[i].in_use == 0);
    }
    DEMAND(rns_pool_check(&world.pool).status == RNS_OK);
    return 0;
}
