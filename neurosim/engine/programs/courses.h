// Courses of parameters over time, all one after the other; 'course_starts' has one entry more than
// there are courses.
namespace neurosim {

struct Courses {
    std::vector<int64_t> starts;
    std::vector<double> times, values, geometric;
    Courses() {
        double count;
        read("course_count", &count, 1);
        starts.resize(size_t(count) + 1);
        read("course_starts", starts.data(), starts.size());
        geometric.resize(size_t(count));
        read("course_geometric", geometric.data(), geometric.size());
        times.resize(size_t(starts.back()));
        values.resize(times.size());
        read("course_times", times.data(), times.size());
        read("course_values", values.data(), values.size());
    }
};
// The value of a course: along straight lines (or by equal factors) between its times.
inline double course(int64_t number, double time) {
    static const Courses table;
    const int64_t first = table.starts[size_t(number)], last = table.starts[size_t(number) + 1];
    int64_t low = first, high = last;   // the first entry that is later than `time`
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (table.times[size_t(middle)] > time) high = middle; else low = middle + 1;
    }
    if (low == first) return table.values[size_t(first)];
    const double begin = table.values[size_t(low - 1)];
    if (low == last) return begin;
    const double end = table.values[size_t(low)], from = table.times[size_t(low - 1)];
    const double share = (time - from) / (table.times[size_t(low)] - from);
    if (table.geometric[size_t(number)] != 0.0) return begin * chosen::power(end / begin, share);
    return begin + share * (end - begin);
}

}  // namespace neurosim
