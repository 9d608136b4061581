"""The slow, obvious heaps that the models in C must agree with: lists of blocks, searched whole.

Written from the same sources as ``csrc/lab/rns_heap.h``, and apart from it: placement by looking
at every block or at every class in order, sizes by counting what the original has in its arena.
"""

from dataclasses import dataclass


@dataclass
class Block:
    """One block; `offset` is where its header is."""

    offset: int
    size: int
    free: bool


def round_up(number, unit):
    return -(-number // unit) * unit


def next_power(number):
    power = 1
    while power < number:
        power *= 2
    return power


class Model:
    """A heap whose blocks merge with any free neighbour."""

    def __init__(self, arena, alignment, word):
        self.word = word
        self.unit = alignment
        self.smallest = 4 * word
        self.header = 2 * word
        self.shape(arena, alignment)

    def shape(self, arena, alignment):
        self.lay_out(arena, control=0, end=2 * self.word, alignment=alignment)

    def lay_out(self, arena, control, end, alignment):
        """Fill what is between the control structure and the end with one free block."""
        begin = round_up(control + self.header, alignment) - self.header
        size = (arena - end - begin) // self.unit * self.unit
        self.alignment = alignment
        self.blocks = [Block(begin, size, True)]
        self.recent = [begin]  # Free blocks, the one freed last in front.

    def block_bytes(self, size):
        return max(self.smallest, round_up(size + self.header, self.unit))

    def splits_off(self, rest):
        return rest > self.smallest

    def choose(self, need):
        raise NotImplementedError

    def free_blocks(self):
        return [block for block in self.blocks if block.free]

    def take(self, size):
        """Return the offset of the payload, None if refused."""
        need = self.block_bytes(size)
        block = self.choose(need)
        if block is None:
            return None
        self.recent.remove(block.offset)
        rest = block.size - need
        if self.splits_off(rest):
            self.blocks.insert(
                self.blocks.index(block) + 1, Block(block.offset + need, rest, True)
            )
            self.recent.insert(0, block.offset + need)
            block.size = need
        block.free = False
        return block.offset + self.header

    def give(self, offset):
        block = next(b for b in self.blocks if b.offset == offset - self.header)
        assert not block.free
        block.free = True
        at = self.blocks.index(block)
        for other in [b for b in self.blocks[max(0, at - 1) : at + 2] if b is not block]:
            if other.free:
                self.recent.remove(other.offset)
                self.blocks.remove(other)
                block.offset = min(block.offset, other.offset)
                block.size += other.size
        self.recent.insert(0, block.offset)

    def fits(self, size):
        return self.choose(self.block_bytes(size)) is not None

    @property
    def largest_free(self):
        return max((block.size for block in self.free_blocks()), default=0)

    @property
    def total_free(self):
        return sum(block.size for block in self.free_blocks())


class FirstFit(Model):
    """The lowest address that fits."""

    def choose(self, need):
        return next((block for block in self.free_blocks() if block.size >= need), None)


class BestFit(Model):
    """The smallest that fits, of equals the lowest address."""

    def choose(self, need):
        fitting = [block for block in self.free_blocks() if block.size >= need]
        return min(fitting, key=lambda block: (block.size, block.offset), default=None)


class ByClass(Model):
    """The block freed last of the lowest class in which every block fits."""

    def classes(self):
        """Yield the least size of each class, ascending."""
        raise NotImplementedError

    def choose(self, need):
        free = {block.offset: block for block in self.free_blocks()}
        bounds = [*self.classes(), 2**40]
        for low, high in zip(bounds, bounds[1:]):
            if low >= need:
                for offset in self.recent:
                    if low <= free[offset].size < high:
                        return free[offset]
        return None


class Tlsf(ByClass):
    """As ESP-IDF: 4 bytes of header; parameters from the size of the arena."""

    def shape(self, arena, alignment):
        self.header = self.word
        self.second = 8 if arena <= 16384 else 16 if arena <= 262144 else 32
        self.small = self.second * self.word
        firsts = len([p for p in range(40) if self.small <= 2**p <= arena]) + 1
        null_block, numbers, pointers = 4 * self.word, 7 * 4, 3 * self.word
        bitmaps, heads = 4 * firsts, self.word * firsts * self.second
        control = round_up(null_block + numbers + pointers + bitmaps, self.word) + heads
        self.lay_out(arena, control, end=self.word, alignment=alignment)

    def splits_off(self, rest):
        return rest >= self.smallest

    def classes(self):
        payloads = list(range(0, self.small, self.word))
        power = self.small
        while power < 2**31:
            payloads += [power + power * i // self.second for i in range(self.second)]
            power *= 2
        return [payload + self.header for payload in payloads]


class HalfFit(ByClass):
    """As o1heap: every block a power of two, classes too."""

    def shape(self, arena, alignment):
        self.header = 4 * self.word
        self.unit = self.smallest = 8 * self.word
        control = 160 if self.word == 4 else 576
        self.lay_out(arena, control, end=0, alignment=4 * self.word)

    def block_bytes(self, size):
        return max(self.smallest, next_power(size + self.header))

    def splits_off(self, rest):
        return rest >= self.smallest

    def classes(self):
        return [2**power for power in range(31)]


class Buddy(HalfFit):
    """No header; blocks are halved, and merge with the other half only."""

    def shape(self, arena, alignment):
        self.header = 0
        self.unit = self.smallest = 8 * self.word
        self.alignment = self.unit
        end = arena // (self.unit + 1) * self.unit
        self.blocks, self.recent, offset = [], [], 0
        for power in range(31, -1, -1):
            if offset + 2**power <= end and 2**power >= self.unit:
                self.blocks.append(Block(offset, 2**power, True))
                self.recent.insert(0, offset)
                offset += 2**power

    def take(self, size):
        need = self.block_bytes(size)
        block = self.choose(need)
        if block is None:
            return None
        self.recent.remove(block.offset)
        while block.size > need:
            block.size //= 2
            half = Block(block.offset + block.size, block.size, True)
            self.blocks.insert(self.blocks.index(block) + 1, half)
            self.recent.insert(0, half.offset)
        block.free = False
        return block.offset

    def give(self, offset):
        block = next(b for b in self.blocks if b.offset == offset)
        assert not block.free
        block.free = True
        while True:
            other = next((b for b in self.blocks if b.offset == block.offset ^ block.size), None)
            if other is None or not other.free or other.size != block.size:
                break
            self.blocks.remove(other)
            self.recent.remove(other.offset)
            block.offset = min(block.offset, other.offset)
            block.size *= 2
        self.recent.insert(0, block.offset)


MODELS = {
    "first_fit": FirstFit,
    "best_fit": BestFit,
    "tlsf": Tlsf,
    "half_fit": HalfFit,
    "buddy": Buddy,
}
