// Where the files of a run are if a page carries the program: with the page, in memory. It has one
// thread and no parent, and a run that fails ends with a message to the page.
#ifdef NEUROSIM_HOSTED
#include <ctime>

// Brian2 asks for the time at every step, to tell how far it is; a page is not told.
extern "C" __attribute__((weak)) std::clock_t clock() { return 0; }

// What the page offers (experiments/explore/kernel/kernel.js). `take` says whether the file is there
// and as long; `give` appends to a file, which it makes if there is none.
extern "C" {
__attribute__((import_module("neurosim"), import_name("take")))
int32_t neurosim_take(const char* name, size_t length, void* target, size_t bytes);
__attribute__((import_module("neurosim"), import_name("give")))
void neurosim_give(const char* name, size_t length, const void* values, size_t bytes);
}

namespace neurosim {

inline void end_with_parent() {}

inline bool take(const char* name, void* target, size_t bytes) {
    return neurosim_take(name, __builtin_strlen(name), target, bytes) != 0;
}

// A call of the page takes longer than to copy a few numbers, so they are given many at once.
class Written {
    static constexpr size_t AT_ONCE = 1 << 16;
    std::string name;
    std::vector<char> waiting;
    void give() {
        neurosim_give(name.data(), name.size(), waiting.data(), waiting.size());
        waiting.clear();
    }
public:
    bool open(const std::string& is) {
        name = is;
        give();
        return true;
    }
    bool put(const void* values, size_t bytes) {
        const char* from = static_cast<const char*>(values);
        waiting.insert(waiting.end(), from, from + bytes);
        if (waiting.size() >= AT_ONCE) give();
        return true;
    }
    bool close() {
        if (!waiting.empty()) give();
        return true;
    }
};
[[noreturn]] inline void cannot_write(const std::string&) { std::exit(3); }

template <typename Work> void on_each_thread(int64_t, Work work) { work(0); }
inline void let_others_run() {}
struct Mutex {};
struct Guard { explicit Guard(Mutex&) {} };

}  // namespace neurosim
#endif
