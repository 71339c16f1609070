// How the maps of a neuron that spikes reset are known to the program around them (spiking.cpp).
// Each is a loop over rows, which may be one row: arrays are given where that row begins.
#pragma once
namespace neurosim {

struct Clock { double dt, time; int64_t index; };

typedef const double* const* States;
// Whether the start of a step changes any state.
extern const bool has_drive;
void drive(const Clock&, int64_t rows, States from, States given, double* const* to);
void drive_back(const Clock&, int64_t rows, States from, States given, double* const* bar,
                double* const* found);
// By a length of time, from a time on; where `free` is 0, what a refractory neuron holds stands still.
// `slope`, where it is wanted, is that of the speed of v along v, where the flow begins.
void flow(const double* length, const double* time, const double* free, int64_t rows, States from,
          States given, double* const* to, double* slope);
void flow_back(const double* length, const double* time, const double* free, int64_t rows, States from,
               States given, double* const* bar, double* const* found, double* bar_dt, double* bar_t);
// The speed of v, and its slope along v.
void steepness(const double* time, const double* free, int64_t rows, States from, States given,
               double* slope, double* speed);
// While v rises by a length, in which a time elapses.
void climb(const double* length, const double* time, const double* free, int64_t rows, States from,
           States given, double* const* to, double* elapsed);
void climb_back(const double* length, const double* time, const double* free, int64_t rows, States from,
                States given, double* const* bar, double* const* found, const double* bar_elapsed,
                double* bar_dt, double* bar_t);
// What is 0 at the threshold and positive beyond.
void threshold(int64_t rows, States from, States given, double* gap);
// Its derivatives, which are set and not added.
void threshold_back(int64_t rows, States from, States given, double* const* bar, double* const* found);
void reset(int64_t rows, States from, States given, double* const* to, double* hold);
void reset_back(int64_t rows, States from, States given, double* const* bar, double* const* found,
                const double* bar_hold);

}  // namespace neurosim
