"""A programme solved by OR-Tools CP-SAT. Imported only when it is asked: loading it takes half a second."""

from __future__ import annotations

from collections.abc import Sequence

from ortools.sat.python import cp_model

from simulator.programme import Programme, Solution, rounded_up


def minimum(programme: Programme, seconds: float, hint: Sequence[int] | None, step: int) -> Solution:
    """See `simulator.programme.solve`."""
    model = cp_model.CpModel()
    proto = model.proto
    for low, high in zip(programme.lower, programme.upper, strict=True):
        model.new_int_var(low, high, "")
    columns = [model.get_int_var_from_proto_index(i) for i in range(len(programme.cost))]
    assert len(proto.variables) == len(columns)
    for row, (low_, high_) in enumerate(zip(programme.row_lower, programme.row_upper, strict=True)):
        terms = programme.terms(row)
        total = cp_model.LinearExpr.weighted_sum([columns[c] for c, _ in terms], [v for _, v in terms])
        domain = cp_model.Domain(
            cp_model.INT_MIN if low_ is None else low_, cp_model.INT_MAX if high_ is None else high_
        )
        model.add_linear_expression_in_domain(total, domain)
    model.minimize(cp_model.LinearExpr.weighted_sum(columns, programme.cost))
    if hint is not None:
        for column, value in zip(columns, hint, strict=True):
            model.add_hint(column, value)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.catch_sigint_signal = (
        False  # else Ctrl-C kills the process outright from the first solution on
    )
    # by its own count of work, so that a busy machine gives the same answer; the clock is only the last resort
    solver.parameters.max_deterministic_time = seconds
    solver.parameters.max_time_in_seconds = 5 * seconds
    solver.parameters.linearization_level = 2
    status = solver.solve(model)
    bound = rounded_up(solver.best_objective_bound, step)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        values = tuple(int(v) for v in solver.values(columns)) if columns else ()
        cost = round(solver.objective_value)
        return Solution(values, cost, min(bound, cost), bound >= cost, "cp-sat")
    return Solution(None, None, bound, status == cp_model.INFEASIBLE, "cp-sat")
