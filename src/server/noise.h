/* noise.h - chance that repeats: the same seed gives the same numbers on every machine.  Pure. */
#ifndef SERVER_NOISE_H
#define SERVER_NOISE_H

#include <math.h>
#include <stdint.h>

struct noise {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea and Flood, 2014): one addition and a mix of bits a number. */
static inline uint64_t noise_bits(struct noise *n)
{
    uint64_t z = n->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline double noise_uniform(struct noise *n) /* 0 <= x < 1 */
{
    return (double)(noise_bits(n) >> 11) * 0x1p-53;
}

/* Close to a normal distribution of mean 0 and deviation 1: the sum of four uniform ones, which
 * never strays beyond 3.5. */
static inline double noise_normal(struct noise *n)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += noise_uniform(n);
    return (sum - 2) * 1.7320508075688772;
}

/* A value that wanders around 0 with deviation 1 and forgets itself within tau seconds
 * (Ornstein-Uhlenbeck). */
static inline double noise_wander(struct noise *n, double x, double tau, double dt)
{
    double keep = exp(-dt / tau);
    return x * keep + sqrt(1 - keep * keep) * noise_normal(n);
}

#endif
