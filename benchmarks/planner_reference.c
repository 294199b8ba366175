/* The planner's two loops in C, for benchmarks/planner.py: the same algorithms, arrays and random numbers as simulator/loop.py and
   simulator/one_pool.py, without the features that the scenarios of the benchmark have not. Gives the same counts. */
#include "planner_reference.h"

/* ── one pool ──────────────────────────────────────────────────────────────────────────────────────────────── */

i64 one_pool(const Scenario *s, u64 key, double busyness, i64 *counts, i64 *hours)
{
    i64 count, *made = arrive(s, key, busyness, &count);
    u64 *heap = malloc((2 * s->agents + 2) * sizeof *heap);
    memset(heap, 0, (s->agents + 1) * sizeof *heap);
    memset(heap + s->agents + 1, 0xff, (s->agents + 1) * sizeof *heap);
    i64 cell = 0, edge = HALF_HOUR;
    for (i64 subject = 0; subject < count; subject++) {
        i64 queued = made[subject] >> 16, number = made[subject] & 0xffff;
        const i64 *line = s->line + number * L_COLUMNS;
        i64 *told = counts + (queued / HALF_HOUR * s->lines + number) * COUNTS;
        told[OFFERED]++;
        told[ASKED]++;
        i64 leaves = queued + lasts(s, line[L_PATIENCE], key, subject, PATIENCE);
        i64 begin = (i64)heap[1] > queued ? (i64)heap[1] : queued, end = leaves;
        if (leaves < begin) {
            told[ABANDONED]++;
            told[WAIT_MS] += leaves - queued;
            continue;
        }
        i64 answered = begin + lasts(s, line[L_RING], key, subject, RING);
        if (leaves < answered) {
            told[ABANDONED]++;
            told[WAIT_MS] += leaves - queued;
        } else {
            i64 talk = lasts(s, line[L_TALK], key, subject, TALK);
            i64 wrap_up = lasts(s, line[L_WRAP_UP], key, subject, WRAP_UP);
            told[ANSWERED]++;
            told[WAIT_MS] += answered - queued;
            told[WORK_MS] += talk + wrap_up;
            told[WITHIN] += answered - queued <= s->in_time;
            end = answered + talk + wrap_up;
        }
        sink(heap, end);
        if (begin >= edge && begin < s->horizon) {
            cell = begin / HALF_HOUR;
            edge = (cell + 1) * HALF_HOUR;
        }
        if (end <= edge && begin < s->horizon)
            hours[cell * 2 + 1] += end - begin;
        else
            spend(hours, begin, end, s->horizon);
    }
    for (i64 row = 0; row < s->horizon / HALF_HOUR; row++) hours[row * 2] = s->agents * HALF_HOUR;
    free(heap);
    free(made);
    return count;
}

/* ── many skills ───────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct { i64 key, tie; u64 next, before, head; i64 busy, free[2]; } Agent;
typedef struct {
    i64 key, tie; u64 next, before, head;
    i64 owner, state, queued; u64 subject, line, place; i64 leaves; u64 seat, kind, pending; i64 free;
} Call;

/* a row of idle agents or of waiting calls by kind: both begin with the same five columns, `columns` wide */
#define POOL(NAME, ROW)                                                                                         \
    static inline int NAME##_before(const ROW *p, u64 one, u64 other)                                           \
    {                                                                                                           \
        return p[one].key != p[other].key ? p[one].key < p[other].key : p[one].tie < p[other].tie;              \
    }                                                                                                           \
    static inline void NAME##_enter(ROW *p, u64 *filled, u64 entry, u64 kind)                                   \
    {                                                                                                           \
        u64 ahead = p[kind + 1].before;                                                                         \
        while (NAME##_before(p, entry, ahead)) ahead = p[ahead].before;                                         \
        u64 behind = p[ahead].next;                                                                             \
        p[entry].before = ahead, p[entry].next = behind;                                                        \
        p[ahead].next = p[behind].before = entry;                                                               \
        p[entry].head = kind + 1;                                                                               \
        *filled |= (u64)1 << kind;                                                                              \
    }                                                                                                           \
    static inline void NAME##_leave(ROW *p, u64 *filled, u64 entry)                                             \
    {                                                                                                           \
        u64 ahead = p[entry].before, behind = p[entry].next;                                                    \
        p[ahead].next = behind, p[behind].before = ahead;                                                       \
        p[entry].head = 0;                                                                                      \
        if (ahead == behind) *filled &= ~((u64)1 << (ahead - 1));                                               \
    }                                                                                                           \
    static inline u64 NAME##_first(const ROW *p, u64 asked)                                                     \
    {                                                                                                           \
        u64 best = 0;                                                                                           \
        for (; asked; asked &= asked - 1) {                                                                     \
            u64 entry = p[__builtin_ctzll(asked) + 1].next;                                                     \
            if (NAME##_before(p, entry, best)) best = entry;                                                    \
        }                                                                                                       \
        return best;                                                                                            \
    }                                                                                                           \
    static ROW *NAME##_pool(i64 kinds, i64 entries)                                                             \
    {                                                                                                           \
        ROW *p = calloc(1 + kinds + entries, sizeof *p);                                                        \
        p[0].key = INT64_MAX;                                                                                   \
        for (i64 h = 1; h <= kinds; h++) p[h].next = p[h].before = p[h].head = h, p[h].key = -INT64_MAX;        \
        return p;                                                                                               \
    }
POOL(agent, Agent)
POOL(call, Call)

enum { E_WIDEN = 1, E_FREE = 5, E_ABANDON = 7, E_ARRIVAL = 10 };
enum { WAITS = 2, RINGS = 3 };
static inline u64 entry(i64 at, u64 kind, u64 whom) { return (u64)at << 28 | kind << 24 | whom; }

/* the number of calls, or -1 when `room` rows of calls are too few */
i64 many_skills(const Scenario *s, u64 key, double busyness, i64 *counts, i64 *hours, i64 room)
{
    i64 count, *made = arrive(s, key, busyness, &count);
    Agent *agents = agent_pool(s->agent_kinds, s->agents);
    Call *calls = call_pool(s->kinds, room);
    u64 first_agent = s->agent_kinds + 1, first_call = s->kinds + 1, mask = room - 1, idle = 0, waiting = 0;
    u64 most = s->agents + 2 * room, size = 0, *heap = malloc((2 * most + 4) * sizeof *heap);
    memset(heap, 0xff, (2 * most + 4) * sizeof *heap);
    heap[0] = 0;
    for (i64 a = 0; a < s->agents; a++) {
        agents[first_agent + a].tie = a;
        agents[first_agent + a].key = s->weight[s->agent_kind[a]] << 46;
        agent_enter(agents, &idle, first_agent + a, s->agent_kind[a]);
    }
    i64 next_first = 0, seq = 0, now = 0, cell = 0, edge = HALF_HOUR, ended = count;
    u64 arrival = count ? entry(made[0] >> 16, E_ARRIVAL, 0) : LATEST, due[4];
    int hole = 0, full = 0;
    while (!full) {
        u64 top = heap[1];
        if (hole) {
            top = heap[2] < heap[3] ? heap[2] : heap[3];
            if (arrival >= top) { /* else who arrives may take the free place */
                shrink(heap, size--);
                hole = 0;
            }
        }
        u64 agent = 0, row = 0, subject = 0, line = 0, number = 0, kind = 0, place = 0;
        i64 queued = 0, leaves = 0;
        int pair = 0, seeks_agent = 0, seeks_call = 0, new = 0, n = 0;
        if (arrival < top) {
            now = arrival >> 28;
            number = subject = next_first;
            line = made[next_first] & 0xffff;
            next_first++;
            arrival = next_first < count ? entry(made[next_first] >> 16, E_ARRIVAL, 0) : LATEST;
            place = now / HALF_HOUR * s->lines + line;
            counts[place * COUNTS + OFFERED]++;
            counts[place * COUNTS + ASKED]++;
            kind = s->line[line * L_COLUMNS + L_KIND];
            queued = now;
            leaves = now + lasts(s, s->line[line * L_COLUMNS + L_PATIENCE], key, subject, PATIENCE);
            seeks_agent = new = 1;
        } else if (top == LATEST) {
            break;
        } else {
            hole = 1;
            now = top >> 28;
            u64 what = top >> 24 & 15, whom = top & 0xffffff;
            if (what == E_FREE) {
                agent = whom;
                agents[agent].key = (s->weight[s->agent_kind[agent - first_agent]] << 46) + now;
                agents[agent].busy = 0;
                seeks_call = 1;
            } else {
                row = first_call + (whom & mask), number = whom;
                Call *c = &calls[row];
                if (c->owner == (i64)number + 1) {
                    subject = c->subject, line = c->line, place = c->place, queued = c->queued;
                    leaves = c->leaves, kind = c->kind;
                    if (what == E_WIDEN) {
                        if (c->state == WAITS) {
                            call_leave(calls, &waiting, row);
                            kind++;
                            seeks_agent = 1;
                        }
                    } else if (c->state == WAITS || c->state == RINGS) {
                        if (c->state == WAITS) {
                            call_leave(calls, &waiting, row);
                        } else {
                            agent = c->seat;
                            agents[agent].busy = 0;
                            seeks_call = 1;
                        }
                        counts[place * COUNTS + ABANDONED]++;
                        counts[place * COUNTS + WAIT_MS] += now - queued;
                        c->owner = 0;
                    }
                }
            }
        }
        if (seeks_agent) {
            agent = agent_first(agents, idle & s->meets[kind]);
            while (!agent && new && s->kind[kind * K_COLUMNS + K_MORE] && s->kind[(kind + 1) * K_COLUMNS + K_AFTER] <= 0)
                agent = agent_first(agents, idle & s->meets[++kind]);
            if (agent) {
                agent_leave(agents, &idle, agent);
                pair = 1;
            } else {
                if (!row) row = first_call + (number & mask);
                Call *c = &calls[row];
                if (new) {
                    if (c->owner) { full = 1; break; }
                    c->owner = number + 1, c->subject = subject, c->line = line, c->place = place;
                    c->queued = queued, c->leaves = leaves, c->state = WAITS;
                    i64 priority = s->kind[kind * K_COLUMNS + K_PRIORITY];
                    c->key = queued - priority * (s->ageing > 0 ? s->ageing : (i64)1 << 46);
                    c->tie = seq;
                }
                c->kind = kind;
                call_enter(calls, &waiting, row, kind);
                i64 next_due = leaves;
                u64 what = E_ABANDON;
                if (s->kind[kind * K_COLUMNS + K_MORE] && queued + s->kind[(kind + 1) * K_COLUMNS + K_AFTER] <= next_due)
                    next_due = queued + s->kind[(kind + 1) * K_COLUMNS + K_AFTER], what = E_WIDEN;
                if (next_due - now < NEVER >> 1) due[n++] = entry(next_due, what, number);
                c->pending = what;
            }
            seq++;
        }
        if (seeks_call) {
            u64 of = s->agent_kind[agent - first_agent];
            row = call_first(calls, waiting & s->serves[of]);
            if (!row) {
                agent_enter(agents, &idle, agent, of);
            } else {
                Call *c = &calls[row];
                call_leave(calls, &waiting, row);
                number = c->owner - 1, subject = c->subject, line = c->line, place = c->place;
                queued = c->queued, leaves = c->leaves, kind = c->kind;
                pair = 1;
            }
        }
        if (pair) {
            const i64 *of = s->line + line * L_COLUMNS;
            i64 answered = now + lasts(s, of[L_RING], key, subject, RING), end = leaves;
            agents[agent].busy = 1;
            if (leaves < answered) {
                u64 pending = E_WIDEN;
                if (!row) {
                    row = first_call + (number & mask);
                    if (calls[row].owner) { full = 1; break; }
                } else if (calls[row].state == WAITS) {
                    pending = calls[row].pending;
                }
                Call *c = &calls[row];
                c->owner = number + 1, c->subject = subject, c->line = line, c->place = place, c->queued = queued;
                c->kind = kind, c->leaves = leaves, c->state = RINGS, c->seat = agent;
                if (pending != E_ABANDON) due[n++] = entry(leaves, E_ABANDON, number);
            } else {
                i64 talk = lasts(s, of[L_TALK], key, subject, TALK), *told = counts + place * COUNTS;
                i64 wrap_up = lasts(s, of[L_WRAP_UP], key, subject, WRAP_UP);
                told[ANSWERED]++;
                told[WAIT_MS] += answered - queued;
                told[WORK_MS] += talk + wrap_up;
                told[WITHIN] += answered - queued <= s->in_time;
                if (row) calls[row].owner = 0;
                end = answered + talk + wrap_up;
                due[n++] = entry(end, E_FREE, agent);
            }
            if (now >= edge) {
                cell = now / HALF_HOUR;
                edge = (cell + 1) * HALF_HOUR < s->horizon ? (cell + 1) * HALF_HOUR : s->horizon;
            }
            if (end <= edge)
                hours[cell * 2 + 1] += end - now;
            else
                spend(hours, now, end, s->horizon);
        }
        for (int i = 0; i < n; i++) {
            if (hole)
                hole = 0, sink(heap, due[i]);
            else
                rise(heap, ++size, due[i]);
        }
        if (size >= most) full = 1;
    }
    for (i64 row = 0; row < s->horizon / HALF_HOUR; row++) hours[row * 2] = s->agents * HALF_HOUR;
    if (full) ended = -1;
    free(heap);
    free(calls);
    free(agents);
    free(made);
    return ended;
}
