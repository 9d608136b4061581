// Each form of operator new from a function of its own, whose name the site must have.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#define APART __attribute__((noinline, visibility("default"), used))

namespace made
{

struct alignas(64) Wide {
    char bytes[64];
};
void* volatile sink;

APART void one()
{
    sink = new char;
    operator delete(sink);
}
APART void array()
{
    char* p = new char[2002];
    sink = p;
    delete[] p;
}
APART void one_nothrow()
{
    sink = operator new(2003, std::nothrow);
    operator delete(sink);
}
APART void array_nothrow()
{
    sink = operator new[](2004, std::nothrow);
    operator delete[](sink);
}
APART void one_aligned()
{
    Wide* p = new Wide;
    sink = p;
    delete p;
}
APART void array_aligned()
{
    Wide* p = new Wide[2];
    sink = p;
    delete[] p;
}
APART void one_both()
{
    sink = operator new(192, std::align_val_t(64), std::nothrow);
    operator delete(sink, std::align_val_t(64));
}
APART void array_both()
{
    sink = operator new[](256, std::align_val_t(64), std::nothrow);
    operator delete[](sink, std::align_val_t(64));
}
APART void plain()
{
    sink = std::malloc(2009);
    std::free(sink);
}

template <typename T> struct Box {
    APART static void fill(std::size_t count)
    {
        sink = operator new(count * sizeof(T));
        operator delete(sink);
    }
};

APART bool fails()
{
    volatile std::size_t huge = SIZE_MAX / 4;
    try {
        sink = operator new(huge);
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

} // namespace made

// With an argument nothing fails: valgrind cannot throw.
int main(int argc, char**)
{
    made::one();
    made::array();
    made::one_nothrow();
    made::array_nothrow();
    made::one_aligned();
    made::array_aligned();
    made::one_both();
    made::array_both();
    made::Box<int>::fill(501);
    const bool has_failed = argc > 1 || made::fails();
    made::plain(); // Right after the exception: the site must not be that of fails().
    return has_failed ? 0 : 1;
}
