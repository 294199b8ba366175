"""A programme solved by HiGHS. Imported only when it is asked."""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np

from simulator.programme import Programme, Solution, rounded_up


def minimum(programme: Programme, seconds: float, hint: Sequence[int] | None, step: int) -> Solution:
    """See `simulator.programme.solve`."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(programme.cost), len(programme.row_lower)
    lp.col_cost_ = np.array(programme.cost, np.float64)
    lp.col_lower_ = np.array(programme.lower, np.float64)
    lp.col_upper_ = np.array(programme.upper, np.float64)
    lp.row_lower_ = np.array(
        [-highspy.kHighsInf if v is None else v for v in programme.row_lower], np.float64
    )
    lp.row_upper_ = np.array([highspy.kHighsInf if v is None else v for v in programme.row_upper], np.float64)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(programme.cost)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(programme.starts, np.int32)
    lp.a_matrix_.index_ = np.array(programme.index, np.int32)
    lp.a_matrix_.value_ = np.array(programme.value, np.float64)
    solver = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("time_limit", float(seconds)),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", step * (1 - 1e-6)),
    ):
        solver.setOptionValue(option, value)
    solver.passModel(lp)
    if hint is not None:
        solution = highspy.HighsSolution()
        solution.col_value = [float(v) for v in hint]
        solver.setSolution(solution)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    if info.primal_solution_status == 2:
        values = tuple(round(v) for v in solver.getSolution().col_value)
        cost = sum(v * c for v, c in zip(values, programme.cost, strict=True))
        bound = min(rounded_up(info.mip_dual_bound, step), cost)
        return Solution(values, cost, bound, bound >= cost, "highs")
    nothing = status == highspy.HighsModelStatus.kInfeasible
    least = sum(
        c * (low if c > 0 else high)
        for c, low, high in zip(programme.cost, programme.lower, programme.upper, strict=True)
    )
    return Solution(None, None, least, nothing, "highs")
