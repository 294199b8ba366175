/* Random numbers, arrivals and the calendar, as simulator/{draws,callers,calendar}.py have them: the same bits. */
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;
typedef int64_t i64;

enum { ARRIVAL, LINE, TALK, WRAP_UP, PATIENCE, RING };
enum { OFFERED, BLOCKED, CONTAINED, ASKED, ANSWERED, WITHIN, ABANDONED, TURNED_AWAY, WAIT_MS, RETRIED, TRANSFERRED,
       TRANSFERRED_WITHIN, WORK_MS, COUNTS = 16 };
#define HALF_HOUR 1800000
#define CELL_MS 300000
#define ONE (1 << 24)
#define NEVER ((i64)1 << 40)
#define LATEST UINT64_MAX

/* what a scenario is: the arrays of simulator.tables.Tables */
typedef struct {
    i64 cells, lines, kinds, agents, agent_kinds, ageing, in_time, horizon;
    const double *total;        /* expected calls by five-minute cell */
    const i64 *mix, *share, *guide;
    const i64 *exponentials;    /* [1792][2] */
    const i64 *quantiles;       /* [tables][1792][2] */
    const i64 *line;            /* [lines][16] */
    const i64 *kind;            /* [kinds][4] */
    const u64 *meets, *serves;  /* one word each */
    const i64 *weight, *agent_kind;
} Scenario;

static inline u64 mixed(u64 key, u64 subject, u64 purpose)
{
    u64 z = key + ((subject << 5) | purpose) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline i64 drawn(const i64 *table, u64 number)
{
    u64 row = number >> 56, rest = number << 8;
    if (__builtin_expect(((row + 1) & 255) < 2, 0)) {
        u64 end = row, base = end ? 1024 : 256;
        for (int level = 1; level < 4 && (level == 1 || row == end); level++) {
            row = rest >> 56;
            rest <<= 8;
            if (level > 1) base += 256;
        }
        row += base;
    }
    return table[2 * row] + ((table[2 * row + 1] * (i64)(rest >> 48)) >> 16);
}

static inline i64 lasts(const Scenario *s, i64 number, u64 key, u64 subject, u64 purpose)
{
    if (number < 0) return -1 - number;
    return (drawn(s->quantiles + number, mixed(key, subject, purpose)) + 128) >> 8;
}

/* all calls in order, each as ms << 16 | line; the caller frees them */
static i64 *arrive(const Scenario *s, u64 key, double busyness, i64 *count)
{
    i64 *ahead = malloc(s->cells * sizeof *ahead), whole = 0;
    for (i64 c = 0; c < s->cells; c++) whole += ahead[c] = (i64)(s->total[c] * busyness * ONE + 0.5);
    double mean = whole / (double)ONE;
    i64 most = (i64)(mean + 12 * sqrt(mean) + 64), *made = malloc(most * sizeof *made), start = 0, so_far = 0;
    u64 n = 0;
    i64 next = drawn(s->exponentials, mixed(key, n, ARRIVAL));
    for (i64 c = 0; c < s->cells; c++, start += CELL_MS) {
        i64 width = ahead[c];
        if (next < so_far + width) {
            double pace = CELL_MS / (double)width;
            const i64 *share = s->share + s->mix[c] * s->lines, *guide = s->guide + s->mix[c] * 256;
            while (next < so_far + width && (i64)n < most) {
                u64 number = mixed(key, n, LINE);
                i64 line = guide[number >> 56];
                while ((i64)(number >> 2) >= share[line]) line++;
                made[n++] = (start + (i64)((next - so_far) * pace)) << 16 | line;
                next += drawn(s->exponentials, mixed(key, n, ARRIVAL));
            }
        }
        so_far += width;
    }
    free(ahead);
    *count = n;
    return made;
}

/* a binary heap from 1, 0 before it and LATEST behind it */
static inline void sink(u64 *heap, u64 new)
{
    u64 hole = 1;
    for (;;) {
        u64 child = hole << 1;
        child += heap[child + 1] < heap[child];
        if (new <= heap[child]) break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = new;
}

static inline void rise(u64 *heap, u64 size, u64 new)
{
    u64 hole = size;
    while (new < heap[hole >> 1]) {
        heap[hole] = heap[hole >> 1];
        hole >>= 1;
    }
    heap[hole] = new;
}

/* close the hole at the top: down along the lesser children to the end, then the last entry from there */
static inline void shrink(u64 *heap, u64 size)
{
    u64 last = heap[size], hole = 1;
    heap[size] = LATEST;
    while (hole << 1 < size) {
        u64 child = hole << 1;
        child += heap[child + 1] < heap[child];
        heap[hole] = heap[child];
        hole = child;
    }
    while (last < heap[hole >> 1]) {
        heap[hole] = heap[hole >> 1];
        hole >>= 1;
    }
    if (hole < size) heap[hole] = last;
}

static inline void spend(i64 *hours, i64 begin, i64 end, i64 horizon)
{
    if (end > horizon) end = horizon;
    while (begin < end) {
        i64 row = begin / HALF_HOUR, edge = (row + 1) * HALF_HOUR;
        if (edge > end) edge = end;
        hours[row * 2 + 1] += edge - begin;
        begin = edge;
    }
}

/* columns of a line and of a kind of waiting call */
enum { L_GREETING, L_KIND, L_TALK, L_WRAP_UP, L_PATIENCE, L_RING = 13, L_COLUMNS = 16 };
enum { K_AFTER, K_MORE, K_QUEUE, K_PRIORITY, K_COLUMNS };
