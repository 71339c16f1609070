// The program that takes a run back: told the potentials, who asked answers with their derivatives.
namespace neurosim {

inline int run_program() {
    const Run run;
    auto blocks = blocks_of<Block>(run);
    const int64_t many = int64_t(blocks.size());
    on_threads(many, run.s.threads, [&](int64_t k) { blocks[size_t(k)]->ahead(); });
    if (diverged(blocks)) return 4;
    for (const auto& one : blocks) {
        save("traces." + std::to_string(one->number), one->traces);
        std::vector<double>().swap(one->traces);
    }
    // What the potentials are worth is worked out by who asked; the answer is a line.
    std::printf("ready\n");
    std::fflush(stdout);
    char answer[16];
    if (!std::fgets(answer, sizeof answer, stdin) || answer[0] != 'b') { finish_results(); return 0; }
    const auto seeds = load<double>("seeds", size_t((run.s.stop - run.s.start) * run.s.probes * run.s.cells));
    on_threads(many, run.s.threads, [&](int64_t k) { blocks[size_t(k)]->backwards(seeds); });
    for (const auto& one : blocks) one->save();
    finish_results();
    return 0;
}

}  // namespace neurosim

int main() {
    neurosim::end_with_parent();
    return neurosim::run_program();
}
