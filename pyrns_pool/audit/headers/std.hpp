// What libclang needs to know of the C++ standard library to find who allocates: names, template
// arguments and the sizes that libstdc++'s classes have, in words of the target. No bodies. It is
// included before every C++ file; the standard headers themselves are then empty.
#pragma once
#include "libc.h"

extern "C++" {
using nullptr_t = decltype(nullptr);

namespace std {
using ::nullptr_t;
using ::size_t;
using ::ptrdiff_t;
using ::int8_t;
using ::int16_t;
using ::int32_t;
using ::int64_t;
using ::uint8_t;
using ::uint16_t;
using ::uint32_t;
using ::uint64_t;
using ::uintptr_t;
using ::malloc;
using ::calloc;
using ::realloc;
using ::free;
using ::memcpy;
using ::memmove;
using ::memset;
using ::memcmp;
using ::strlen;
using ::strcmp;
using ::printf;
using ::snprintf;
using ::abort;

using byte = unsigned char;
struct nothrow_t {};
extern const nothrow_t nothrow;
enum class align_val_t : size_t {};
template <class T> class initializer_list {
    const T* first_;
    size_t count_;
  public:
    const T* begin() const;
    const T* end() const;
    size_t size() const;
};

template <class T, T V> struct integral_constant { static constexpr T value = V; };
using true_type = integral_constant<bool, true>;
using false_type = integral_constant<bool, false>;
template <class T> struct remove_reference { using type = T; };
template <class T> struct remove_reference<T&> { using type = T; };
template <class T> struct remove_reference<T&&> { using type = T; };
template <bool B, class T = void> struct enable_if {};
template <class T> struct enable_if<true, T> { using type = T; };
template <bool B, class T = void> using enable_if_t = typename enable_if<B, T>::type;
template <class T, class U> struct is_same : false_type {};
template <class T> struct is_same<T, T> : true_type {};
template <class T> struct is_trivially_copyable : true_type {};
template <class T> typename remove_reference<T>::type&& move(T&&) noexcept;
template <class T> T&& forward(typename remove_reference<T>::type&) noexcept;
template <class T> void swap(T&, T&);
template <class T> const T& min(const T&, const T&);
template <class T> const T& max(const T&, const T&);
template <class T> struct numeric_limits {
    static constexpr T max();
    static constexpr T min();
};

class exception {
  public:
    virtual ~exception();
    virtual const char* what() const noexcept;
};
struct bad_alloc : exception {};
template <class T> struct basic_error : exception { template <class S> basic_error(const S&); };
using runtime_error = basic_error<int>;
using logic_error = basic_error<unsigned>;
using invalid_argument = basic_error<char>;
using out_of_range = basic_error<short>;
using length_error = basic_error<long>;

template <class T> struct allocator {
    using value_type = T;
    T* allocate(size_t);
    void deallocate(T*, size_t);
};
template <class A, class B> struct pair {
    A first;
    B second;
    pair();
    pair(const A&, const B&);
    template <class X, class Y> pair(X&&, Y&&);
};
template <class A, class B> pair<A, B> make_pair(A, B);
template <class... T> struct tuple { template <class... A> tuple(A&&...); };
template <class... T> tuple<T...> make_tuple(T...);
template <class... T> tuple<T&...> tie(T&...);
template <class T> struct less {};
template <class T> struct hash {};
template <class T> struct equal_to {};

template <class T> struct iterator_to {
    T* at_;
    T& operator*() const;
    T* operator->() const;
    iterator_to& operator++();
    iterator_to operator++(int);
    iterator_to& operator--();
    iterator_to operator+(ptrdiff_t) const;
    iterator_to operator-(ptrdiff_t) const;
    ptrdiff_t operator-(const iterator_to&) const;
    bool operator==(const iterator_to&) const;
    bool operator!=(const iterator_to&) const;
    bool operator<(const iterator_to&) const;
};
using nullopt_t = nullptr_t;
constexpr nullopt_t nullopt = nullptr;
template <class T> struct optional {
    T value_;
    bool has_;
    optional();
    template <class U> optional(U&&);
    T& operator*();
    T* operator->();
    T& value();
    bool has_value() const;
    explicit operator bool() const;
};

// What every sequence has; a class that allocates says itself which of its methods do.
template <class T> struct range_of {
    using value_type = T;
    using iterator = iterator_to<T>;
    using const_iterator = iterator_to<const T>;
    using size_type = size_t;
    using reference = T&;
    iterator_to<T> begin();
    iterator_to<T> end();
    iterator_to<const T> begin() const;
    iterator_to<const T> end() const;
    iterator_to<const T> cbegin() const;
    iterator_to<const T> cend() const;
    iterator_to<T> rbegin();
    iterator_to<T> rend();
    size_t size() const;
    size_t max_size() const;
    bool empty() const;
};

template <class T, size_t N> struct array {
    using value_type = T;
    using iterator = T*;
    T items_[N ? N : 1];
    T* begin();
    T* end();
    const T* begin() const;
    const T* end() const;
    T& operator[](size_t);
    const T& operator[](size_t) const;
    T& at(size_t);
    T* data();
    const T* data() const;
    T& front();
    T& back();
    constexpr size_t size() const;
    bool empty() const;
    void fill(const T&);
};

#define RNS_SEQUENCE(name, words)                                                                \
    template <class T, class A = allocator<T>> class name : public range_of<T> {                 \
        void* words_[words];                                                                     \
                                                                                                 \
      public:                                                                                    \
        using typename range_of<T>::iterator;                                                    \
        using typename range_of<T>::const_iterator;                                              \
        name();                                                                                  \
        explicit name(const A&);                                                                 \
        explicit name(size_t);                                                                   \
        name(size_t, const T&);                                                                  \
        template <class I> name(I, I);                                                           \
        name(const name&);                                                                       \
        name(name&&) noexcept;                                                                   \
        name(initializer_list<T>);                                                               \
        ~name();                                                                                 \
        name& operator=(const name&);                                                            \
        name& operator=(name&&) noexcept;                                                        \
        name& operator=(initializer_list<T>);                                                    \
        T& operator[](size_t);                                                                   \
        const T& operator[](size_t) const;                                                       \
        T& at(size_t);                                                                           \
        const T& at(size_t) const;                                                               \
        T& front();                                                                              \
        const T& front() const;                                                                  \
        T& back();                                                                               \
        const T& back() const;                                                                   \
        T* data();                                                                               \
        const T* data() const;                                                                   \
        size_t capacity() const;                                                                 \
        void reserve(size_t);                                                                    \
        void resize(size_t);                                                                     \
        void resize(size_t, const T&);                                                           \
        void shrink_to_fit();                                                                    \
        void assign(size_t, const T&);                                                           \
        template <class I> void assign(I, I);                                                    \
        void push_back(const T&);                                                                \
        void push_back(T&&);                                                                     \
        void push_front(const T&);                                                               \
        template <class... X> T& emplace_back(X&&...);                                           \
        template <class... X> T& emplace_front(X&&...);                                          \
        template <class... X> iterator emplace(const_iterator, X&&...);                          \
        template <class... X> iterator insert(X&&...);                                           \
        void pop_back();                                                                         \
        void pop_front();                                                                        \
        template <class... X> iterator erase(X&&...);                                            \
        template <class... X> void remove_if(X&&...);                                            \
        void remove(const T&);                                                                   \
        void clear();                                                                            \
        void swap(name&);                                                                        \
        bool operator==(const name&) const;                                                      \
        bool operator!=(const name&) const;                                                      \
        bool operator<(const name&) const;                                                       \
    }

RNS_SEQUENCE(vector, 3);
RNS_SEQUENCE(deque, 10);
RNS_SEQUENCE(list, 3);
RNS_SEQUENCE(forward_list, 1);

#define RNS_TREE(name, parameters, key, value, order, words)                                     \
    template <parameters, class A = allocator<value>> class name : public range_of<value> {      \
        void* words_[words];                                                                     \
                                                                                                 \
      public:                                                                                    \
        using typename range_of<value>::iterator;                                                \
        name();                                                                                  \
        explicit name(const A&);                                                                 \
        template <class I> name(I, I);                                                           \
        name(const name&);                                                                       \
        name(name&&) noexcept;                                                                   \
        name(initializer_list<value>);                                                           \
        ~name();                                                                                 \
        name& operator=(const name&);                                                            \
        name& operator=(name&&) noexcept;                                                        \
        iterator find(const key&);                                                               \
        iterator find(const key&) const;                                                         \
        iterator lower_bound(const key&);                                                        \
        iterator upper_bound(const key&);                                                        \
        size_t count(const key&) const;                                                          \
        bool contains(const key&) const;                                                         \
        void reserve(size_t);                                                                    \
        template <class... X> pair<iterator, bool> insert(X&&...);                               \
        pair<iterator, bool> insert(const value&);                                               \
        template <class... X> pair<iterator, bool> emplace(X&&...);                              \
        template <class... X> pair<iterator, bool> try_emplace(X&&...);                          \
        template <class... X> pair<iterator, bool> insert_or_assign(X&&...);                     \
        template <class... X> iterator erase(X&&...);                                            \
        void clear();                                                                            \
        void swap(name&)

#define RNS_COMMA ,
#define RNS_MAP(name, order, words)                                                              \
    RNS_TREE(name, class K RNS_COMMA class V RNS_COMMA class O = order, K,                       \
             pair<const K RNS_COMMA V>, O, words);                                               \
    V& operator[](const K&);                                                                     \
    V& at(const K&);                                                                             \
    const V& at(const K&) const;                                                                 \
    }
#define RNS_SET(name, order, words)                                                              \
    RNS_TREE(name, class K RNS_COMMA class O = order, K, K, O, words);                           \
    }
#define RNS_HASH_MAP(name)                                                                       \
    RNS_TREE(name,                                                                               \
             class K RNS_COMMA class V RNS_COMMA class O = hash<K> RNS_COMMA class E =           \
                 equal_to<K>,                                                                    \
             K, pair<const K RNS_COMMA V>, O, 7);                                                \
    V& operator[](const K&);                                                                     \
    V& at(const K&);                                                                             \
    const V& at(const K&) const;                                                                 \
    }

RNS_MAP(map, less<K>, 6);
RNS_MAP(multimap, less<K>, 6);
RNS_SET(set, less<K>, 6);
RNS_SET(multiset, less<K>, 6);
RNS_HASH_MAP(unordered_map);
RNS_HASH_MAP(unordered_multimap);
RNS_SET(unordered_set, hash<K>, 7);

template <class T, class C = deque<T>> class queue : public range_of<T> {
    C items_;

  public:
    void push(const T&);
    template <class... X> void emplace(X&&...);
    void pop();
    T& front();
    T& back();
    T& top();
};
template <class T, class C = deque<T>> class stack : public queue<T, C> {};
template <class T, class C = vector<T>> class priority_queue : public queue<T, C> {};

template <class T> struct char_traits {};
template <class T, class R = char_traits<T>, class A = allocator<T>>
class basic_string : public range_of<T> {
    T* text_;
    size_t size_;
    T here_[16];

  public:
    static constexpr size_t npos = -1;
    basic_string();
    basic_string(const T*);
    basic_string(const T*, size_t);
    basic_string(size_t, T);
    template <class I> basic_string(I, I);
    basic_string(const basic_string&);
    basic_string(const basic_string&, size_t, size_t);
    basic_string(basic_string&&) noexcept;
    basic_string(initializer_list<T>);
    ~basic_string();
    basic_string& operator=(const basic_string&);
    basic_string& operator=(basic_string&&) noexcept;
    basic_string& operator=(const T*);
    basic_string& operator+=(const basic_string&);
    basic_string& operator+=(const T*);
    basic_string& operator+=(T);
    template <class... X> basic_string& append(X&&...);
    template <class... X> basic_string& assign(X&&...);
    template <class... X> basic_string& insert(X&&...);
    template <class... X> basic_string& replace(X&&...);
    template <class... X> basic_string& erase(X&&...);
    basic_string substr(size_t = 0, size_t = npos) const;
    void push_back(T);
    void pop_back();
    void reserve(size_t);
    void resize(size_t);
    void resize(size_t, T);
    void shrink_to_fit();
    void clear();
    size_t capacity() const;
    size_t length() const;
    const T* c_str() const;
    const T* data() const;
    T* data();
    T& operator[](size_t);
    const T& operator[](size_t) const;
    T& at(size_t);
    T& front();
    T& back();
    template <class... X> size_t find(X&&...) const;
    template <class... X> size_t rfind(X&&...) const;
    template <class... X> int compare(X&&...) const;
};
using string = basic_string<char>;
using wstring = basic_string<wchar_t>;
string operator+(const string&, const string&);
string operator+(const string&, const char*);
string operator+(const char*, const string&);
string operator+(const string&, char);
bool operator==(const string&, const string&);
bool operator==(const string&, const char*);
bool operator!=(const string&, const string&);
bool operator!=(const string&, const char*);
bool operator<(const string&, const string&);
template <class T> string to_string(T);
int stoi(const string&);
struct string_view : range_of<char> {
    const char* text_;
    size_t size_;
    string_view();
    string_view(const char*);
    string_view(const string&);
    const char* data() const;
    size_t length() const;
    char operator[](size_t) const;
};
template <class T> struct span : range_of<T> {
    T* first_;
    size_t count_;
    template <class... X> span(X&&...);
    T* data() const;
    T& operator[](size_t) const;
};
struct ostream {};
template <class X> ostream& operator<<(ostream&, X&&);
extern ostream cout;
extern ostream cerr;
ostream& endl(ostream&);
struct stringstream : ostream {
    string str() const;
};
using ostringstream = stringstream;
using istringstream = stringstream;

template <class T> struct default_delete {};
template <class T> struct pointee { using type = T; };
template <class T> struct pointee<T[]> { using type = T; };
template <class T> class weak_ptr;
template <class T> class shared_ptr {
    typename pointee<T>::type* object_;
    void* control_;

  public:
    using type = typename pointee<T>::type;
    shared_ptr();
    shared_ptr(nullptr_t);
    template <class U> explicit shared_ptr(U*);
    template <class U, class D> shared_ptr(U*, D);
    template <class U, class D, class A> shared_ptr(U*, D, A);
    shared_ptr(const shared_ptr&);
    shared_ptr(shared_ptr&&) noexcept;
    template <class U> shared_ptr(const shared_ptr<U>&);
    ~shared_ptr();
    shared_ptr& operator=(const shared_ptr&);
    void reset();
    template <class U> void reset(U*);
    template <class U, class D> void reset(U*, D);
    type* get() const;
    type& operator*() const;
    type* operator->() const;
    type& operator[](size_t) const;
    long use_count() const;
    explicit operator bool() const;
    bool operator==(const shared_ptr&) const;
    bool operator!=(const shared_ptr&) const;
    bool operator==(nullptr_t) const;
    bool operator!=(nullptr_t) const;
};
template <class T> class weak_ptr {
    T* object_;
    void* control_;

  public:
    weak_ptr();
    weak_ptr(const shared_ptr<T>&);
    shared_ptr<T> lock() const;
    bool expired() const;
};
template <class T, class D = default_delete<T>> class unique_ptr {
    typename pointee<T>::type* object_;

  public:
    using type = typename pointee<T>::type;
    unique_ptr();
    unique_ptr(nullptr_t);
    explicit unique_ptr(type*);
    unique_ptr(type*, D);
    unique_ptr(unique_ptr&&) noexcept;
    template <class U, class E> unique_ptr(unique_ptr<U, E>&&);
    ~unique_ptr();
    unique_ptr& operator=(unique_ptr&&) noexcept;
    type* get() const;
    type* release();
    void reset(type* = nullptr);
    type& operator*() const;
    type* operator->() const;
    type& operator[](size_t) const;
    explicit operator bool() const;
    bool operator==(nullptr_t) const;
    bool operator!=(nullptr_t) const;
};
template <class T, class... X> shared_ptr<T> make_shared(X&&...);
template <class T, class A, class... X> shared_ptr<T> allocate_shared(const A&, X&&...);
template <class T, class... X> unique_ptr<T> make_unique(X&&...);
template <class T> struct enable_shared_from_this {
    weak_ptr<T> self_;
    shared_ptr<T> shared_from_this();
};
template <class T, class U> shared_ptr<T> static_pointer_cast(const shared_ptr<U>&);
template <class T, class U> shared_ptr<T> dynamic_pointer_cast(const shared_ptr<U>&);

template <class F> class function;
template <class R, class... X> class function<R(X...)> {
    void* words_[4];

  public:
    function();
    function(nullptr_t);
    template <class F> function(F);
    R operator()(X...) const;
    explicit operator bool() const;
};
template <class... X> int bind(X&&...);

template <class T> struct atomic {
    T value_;
    atomic();
    atomic(T);
    template <class... X> T load(X...) const;
    template <class... X> void store(T, X...);
    template <class... X> T fetch_add(T, X...);
    template <class... X> T fetch_sub(T, X...);
    template <class... X> T exchange(T, X...);
    template <class... X> bool compare_exchange_weak(T&, T, X...);
    template <class... X> bool compare_exchange_strong(T&, T, X...);
    T operator++();
    T operator++(int);
    T operator--();
    T operator=(T);
    operator T() const;
};
enum memory_order {
    memory_order_relaxed,
    memory_order_acquire,
    memory_order_release,
    memory_order_acq_rel,
    memory_order_seq_cst
};
struct mutex {
    void* words_[2];
    void lock();
    void unlock();
    bool try_lock();
};
struct recursive_mutex : mutex {};
template <class M> struct lock_guard { explicit lock_guard(M&); };
template <class M> struct unique_lock { explicit unique_lock(M&); };
template <class M> struct scoped_lock { explicit scoped_lock(M&); };

template <class I, class T> I find(I, I, const T&);
template <class I, class F> I find_if(I, I, F);
template <class I, class F> I remove_if(I, I, F);
template <class I, class F> bool any_of(I, I, F);
template <class I, class F> bool all_of(I, I, F);
template <class I, class F> F for_each(I, I, F);
template <class I, class... F> void sort(I, I, F...);
template <class I, class O> O copy(I, I, O);
template <class I, class O> O copy_n(I, size_t, O);
template <class I, class T> void fill(I, I, const T&);
template <class I, class J> bool equal(I, I, J);
template <class C> auto begin(C& c) -> decltype(c.begin());
template <class C> auto end(C& c) -> decltype(c.end());
template <class C> int back_inserter(C&);

namespace chrono {
struct steady_clock {
    static long long now();
};
}
} // namespace std

// As in <new>.
void* operator new(size_t, void*) noexcept;
void* operator new[](size_t, void*) noexcept;
void* operator new(size_t, const std::nothrow_t&) noexcept;
void* operator new[](size_t, const std::nothrow_t&) noexcept;
}
