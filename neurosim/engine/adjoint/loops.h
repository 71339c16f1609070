// How the loops of a model are known to the program around them (program.cpp).
#pragma once
namespace neurosim {

struct Clock { double dt, time; int64_t index; };

// The rows of one kernel: sites times the cells of a block.
struct Loop {
    virtual ~Loop() {}
    // One step: from what the one before left to what this one leaves, and what each row adds to the
    // equation of its compartment.
    virtual void forward(const Clock&, int64_t rows, const double* __restrict v,
                         const double* const* from, double* const* to, const double* const* given,
                         double* __restrict conductance, double* __restrict current) = 0;
    // The same step backwards. `lambda` are the derivatives with respect to the right-hand sides, and
    // `solved` the potentials that were solved for; `bar` is read and written.
    virtual void backward(const Clock&, int64_t rows, const double* __restrict v,
                          const double* const* from, const double* const* given,
                          const double* __restrict lambda, const double* __restrict solved,
                          double* __restrict bar_v, double* const* bar, double* const* found) = 0;
    // By how much what a step leaves moves along a direction that `dot_...` tell; written only where it
    // is asked for.
    virtual void along(const Clock&, int64_t, const double* __restrict, const double* const*,
                       const double* const*, const double* __restrict, const double* const*,
                       const double* const*, double* const*, double* __restrict, double* __restrict) {}
};
// Loop number `number` of the model.
Loop* make_loop(int64_t number);

}  // namespace neurosim
