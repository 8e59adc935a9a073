"""The Pareto plot of worthless answers."""

from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.value import pareto
from services.desk.pareto import HEIGHT, MOST_BARS, WIDTH, pareto_plot

COUNTS = st.lists(st.tuples(st.text(max_size=3), st.integers(1, 99), st.integers(0, 99)), max_size=20)


@given(COUNTS)
def test_every_column_stays_in_the_picture_and_the_line_climbs(counts: list[tuple[str, int, int]]) -> None:
    """Nothing is drawn outside; what costs most comes first or has more contacts; shares never fall."""
    plot = pareto_plot(pareto(counts))
    assert len(plot.columns) == min(len(counts), MOST_BARS)
    for one in plot.columns:
        assert -0.001 <= one.contacts_y <= one.answers_y <= HEIGHT
        assert 0 <= one.x <= one.x + one.width <= WIDTH
    heights = [y for _, y in plot.line]
    assert heights == sorted(heights, reverse=True)


def test_one_cause_is_the_whole_plot() -> None:
    """A single column reaches the top with its answers and contacts stacked, and the line stands at the whole."""
    (column,) = (plot := pareto_plot(pareto([("wrote_again", 3, 1)]))).columns
    assert (column.answers_height, column.contacts_y) == (150.0, 0.0)
    assert plot.points == "60.0,0.0"
